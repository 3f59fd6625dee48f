// Moves the bars as facts come in. Without it the page shows the numbers of when it was loaded.
"use strict";
(() => {
  const badge = document.getElementById("live");
  if (!badge || !window.EventSource) return;
  const words = badge.dataset;
  const chinese = words.lang === "zh-CN";
  const PERCENTS = [25, 50, 75, 90, 100];
  const SILENT = 25000; // milliseconds without even a heartbeat: the connection is dead, whatever the browser thinks
  const REFRESH = 10000; // at most so often is the rest of the page (charts, funnel) drawn anew
  const MAX_DELAY = 15000;
  const SPREAD = 3000; // milliseconds

  // The rules of dashboard/formats.py.
  const plain = new Intl.NumberFormat("en-US", { maximumFractionDigits: 2 });
  const short = (share) => (Math.abs(share) < 100 ? String(+share.toFixed(2)) : share.toFixed(0));
  const money = (value) => {
    const units = chinese ? [[1e8, "亿元"], [1e4, "万元"]] : [[1e9, "billion"], [1e6, "million"]];
    for (const [unit, name] of units) {
      if (Math.abs(value) >= unit) return (chinese ? "" : "¥") + `${short(value / unit)} ${name}`;
    }
    return chinese ? `${plain.format(value)} 元` : `¥${plain.format(value)}`;
  };
  const quantity = (value, measure) => (measure === "paid" ? money(value) : plain.format(value));

  // The rules of dashboard/pace.py.
  const pace = (card, progress) => {
    const goal = +card.dataset.goal;
    const expected = +card.dataset.expected;
    if (progress >= goal) return "reached";
    if (card.dataset.late === "1") return "missed";
    if (!expected) return "";
    if (progress >= expected * 1.1) return "ahead";
    return progress >= expected * 0.9 ? "on_pace" : "behind";
  };

  const cards = (entry) =>
    [...document.querySelectorAll("[data-target]")].filter(
      (card) => card.dataset.target === entry.target && card.dataset.campaign === entry.campaign,
    );

  const move = (card, entry) => {
    const before = +card.dataset.progress;
    const goal = entry.goal;
    const percent = (100 * entry.progress) / goal;
    const of = words.of.replace("%", () => quantity(goal, entry.measure));
    card.dataset.progress = entry.progress;
    card.querySelector("[data-number]").textContent = quantity(entry.progress, entry.measure);
    card.querySelector("[data-percent]").textContent = `${Math.trunc(percent)}%`;
    card.querySelector(".fill").setAttribute("width", `${Math.max(0, Math.min(100, percent))}%`);
    const bar = card.querySelector("[role=progressbar]");
    bar.setAttribute("aria-valuenow", Math.min(entry.progress, goal));
    bar.setAttribute("aria-valuetext", `${quantity(entry.progress, entry.measure)} ${of}, ${Math.trunc(percent)}%`);
    const word = entry.counting ? "counting" : pace(card, entry.progress);
    card.className = `target ${word}`;
    card.querySelector("[data-word]").textContent = word ? words[word] : "";
    const crossed = PERCENTS.filter((each) => before * 100 < goal * each && goal * each <= entry.progress * 100).pop();
    if (crossed && !entry.counting) flash(card, entry.title, crossed);
  };

  const flash = (card, title, percent) => {
    document.getElementById("said").textContent = words.flash.replace("%1", () => title).replace("%2", () => `${percent}%`);
    card.classList.add("flash");
    setTimeout(() => card.classList.remove("flash"), 4000);
  };

  const changed = (card, entry) =>
    +card.dataset.goal !== entry.goal ||
    card.dataset.due !== entry.due_on ||
    card.dataset.measure !== entry.measure ||
    card.querySelector(".name").textContent !== entry.title;

  // What a number alone can't say is drawn by the server, and put in place when nobody is using the page.
  let refreshing = 0;
  let meanwhile = null; // what came while the page was fetched: it may be newer than the page
  const strangers = new Set(); // targets without a card, which the next drawing may bring
  const elsewhere = new Set(); // those that it did not bring: this page does not show them
  const named = (entry) => JSON.stringify([entry.campaign, entry.target]);

  const refresh = (whole) => {
    if (refreshing) return;
    refreshing = setTimeout(() => draw(whole), whole ? 300 : REFRESH);
  };
  const draw = async (whole) => {
    const parts = whole ? "main" : "[data-refresh]";
    const used = () => [...document.querySelectorAll(parts)].some((part) => part.contains(document.activeElement));
    if (whole && used()) {
      refreshing = setTimeout(() => draw(whole), 1000);
      return;
    }
    const asked = [...strangers];
    meanwhile = [];
    try {
      const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
      if (answer.redirected && new URL(answer.url).pathname === "/login") return location.reload();
      if (!answer.ok) return;
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      if (whole && used()) return meanwhile.push(() => refresh(whole));
      const news = fresh.querySelectorAll(parts);
      [...document.querySelectorAll(parts)].forEach((old, at) => {
        if (news[at] && !old.contains(document.activeElement)) old.replaceChildren(...news[at].childNodes);
      });
      const head = document.getElementById("live");
      if (head !== badge) head?.replaceWith(badge);
      if (whole) asked.forEach((name) => strangers.delete(name) && elsewhere.add(name));
    } catch {
      // The connection is gone; the badge says so already, and the next change asks again.
    } finally {
      refreshing = 0;
      const came = meanwhile;
      meanwhile = null;
      came.forEach((again) => again());
    }
  };

  const progress = (entry) => {
    meanwhile?.push(() => progress(entry));
    const shown = cards(entry);
    if (!shown.length) {
      if (elsewhere.has(named(entry))) return;
      strangers.add(named(entry));
      return refresh(true);
    }
    if (shown.some((card) => changed(card, entry))) return refresh(true);
    if (shown.every((card) => +card.dataset.progress === entry.progress)) return;
    shown.forEach((card) => move(card, entry));
    if (document.querySelector("[data-refresh]")) refresh(false);
  };
  const withdrawn = () => {
    meanwhile?.push(withdrawn);
    elsewhere.clear(); // another may take its place
    refresh(true);
  };

  const show = (on) => {
    badge.classList.toggle("on", on);
    badge.classList.toggle("off", !on);
    const text = on ? words.on : words.off;
    const place = badge.querySelector("span");
    if (place.textContent !== text) place.textContent = text;
  };

  let source;
  let opened = false;
  let watchdog;
  let delay = 1000;
  const heard = () => {
    delay = 1000;
    show(true);
    clearTimeout(watchdog);
    watchdog = setTimeout(reopen, SILENT);
  };
  const reopen = () => {
    source?.close();
    clearTimeout(watchdog);
    show(false);
    setTimeout(open, delay);
    delay = Math.min(delay * 2, MAX_DELAY);
  };
  const open = async () => {
    if (delay > 4000 && (await loggedOut())) return location.reload();
    const query = new URLSearchParams({ heartbeats: "event" });
    if (words.campaign) query.set("campaign", words.campaign);
    source = new EventSource(`/v1/targets/stream?${query}`);
    source.onopen = () => {
      heard();
      // What was withdrawn before a new server began to look, no stream can tell. Not all pages ask at once.
      if (opened) setTimeout(() => refresh(true), Math.random() * SPREAD);
      opened = true;
    };
    source.addEventListener("ping", heard);
    source.addEventListener("progress", (event) => { heard(); progress(JSON.parse(event.data)); });
    source.addEventListener("withdrawn", () => { heard(); withdrawn(); });
    source.onerror = () => {
      show(false);
      if (source.readyState === EventSource.CLOSED) reopen(); // refused; otherwise the browser tries again by itself
    };
  };
  const loggedOut = () => fetch("/v1/campaigns?limit=1").then((answer) => answer.status === 401, () => false);
  addEventListener("pagehide", () => source?.close());
  addEventListener("pageshow", (event) => { if (event.persisted) open(); });
  open();
})();
