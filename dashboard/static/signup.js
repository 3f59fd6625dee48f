// Does the sum that a form asks for, while its fields are filled in; a form that is sent earlier waits for it.
// SHA-256 is written out: browsers have it on pages of https alone.
"use strict";
(() => {
  const form = document.querySelector("form[data-token]");
  if (!form) return;
  const { token, digest, most, working } = form.dataset;
  const K = new Uint32Array(64), H0 = new Uint32Array(8);
  for (let n = 2, at = 0; at < 64; n++) {
    let prime = true;
    for (let d = 2; d * d <= n; d++) if (n % d === 0) { prime = false; break; }
    if (!prime) continue;
    if (at < 8) H0[at] = (Math.sqrt(n) % 1) * 2 ** 32;
    K[at++] = (Math.cbrt(n) % 1) * 2 ** 32;
  }
  const W = new Uint32Array(64);
  const turn = (x, n) => (x >>> n) | (x << (32 - n));
  const hash = (text) => {
    const blocks = ((text.length + 8) >> 6) + 1, H = H0.slice();
    for (let block = 0; block < blocks; block++) {
      W.fill(0);
      for (let i = 0; i < 64; i++) {
        const at = block * 64 + i;
        const byte = at < text.length ? text.charCodeAt(at) : at === text.length ? 128 : 0;
        W[i >> 2] |= byte << (24 - (i & 3) * 8);
      }
      if (block === blocks - 1) W[15] = text.length * 8;
      for (let i = 16; i < 64; i++) {
        const a = W[i - 15], b = W[i - 2];
        W[i] = W[i - 16] + W[i - 7] + (turn(a, 7) ^ turn(a, 18) ^ (a >>> 3)) + (turn(b, 17) ^ turn(b, 19) ^ (b >>> 10));
      }
      let [a, b, c, d, e, f, g, h] = H;
      for (let i = 0; i < 64; i++) {
        const t1 = (h + (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) + ((e & f) ^ (~e & g)) + K[i] + W[i]) | 0;
        const t2 = ((turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) + ((a & b) ^ (a & c) ^ (b & c))) | 0;
        h = g; g = f; f = e; e = (d + t1) | 0; d = c; c = b; b = a; a = (t1 + t2) | 0;
      }
      H[0] += a; H[1] += b; H[2] += c; H[3] += d; H[4] += e; H[5] += f; H[6] += g; H[7] += h;
    }
    return Array.from(H, (part) => part.toString(16).padStart(8, "0")).join("");
  };
  const solution = form.elements.namedItem("solution"), button = form.querySelector("button");
  let sent = false;
  const work = (from) => {
    const until = performance.now() + 12;
    let n = from;
    for (; n < most && performance.now() < until; n++) {
      if (hash(token + n) === digest) {
        solution.value = String(n);
        if (sent) form.submit();
        return;
      }
    }
    if (n < most) setTimeout(work, 0, n);
    else if (sent) form.submit();
  };
  form.addEventListener("submit", (event) => {
    button.disabled = true;
    if (solution.value) return;
    event.preventDefault();
    sent = true;
    button.textContent = working;
  });
  addEventListener("pageshow", () => { button.disabled = false; });
  document.getElementById("wrong")?.focus();
  setTimeout(work, 50, 0);
})();
