// Puts in place what the server draws. Without it a page shows how things stood when it was loaded.
"use strict";
(() => {
  const badge = document.getElementById("live");
  if (!badge || !window.EventSource) return;
  const said = document.getElementById("said");
  const SILENT = 25000; // milliseconds without even a heartbeat: the connection is dead, whatever the browser thinks
  const FIRST_DELAY = 1000;
  const MAX_DELAY = 15000;
  const SHOWN = 4000; // milliseconds that a milestone is shown
  const KEPT = ["open", "data-reached", "data-shown", "data-read"]; // attributes that the reader or a script set

  // Makes `old` like `fresh` and leaves alone what is alike, so that focus, selection and a bar on its way stay.
  const morph = (old, fresh) => {
    if (old === badge || old === said || old.isEqualNode(fresh)) return;
    if (old.nodeName !== fresh.nodeName || old.id !== fresh.id) return old.replaceWith(fresh);
    if (old.nodeType !== Node.ELEMENT_NODE) return (old.data = fresh.data);
    for (const { name } of [...old.attributes])
      if (!fresh.hasAttribute(name) && !KEPT.includes(name)) old.removeAttribute(name);
    for (const { name, value } of fresh.attributes) if (old.getAttribute(name) !== value) old.setAttribute(name, value);
    let place = old.firstChild;
    for (const child of [...fresh.childNodes]) {
      const known = child.id ? [...old.children].find((each) => each.id === child.id) : place?.id ? null : place;
      if (!known) old.insertBefore(child, place);
      else if (known !== place) morph(old.insertBefore(known, place), child);
      else {
        place = place.nextSibling;
        morph(known, child);
      }
    }
    while (place) {
      const left = place;
      place = place.nextSibling;
      left.remove();
    }
  };

  let fetching = null; // fragments that came while the page is fetched: they may be newer than it is
  const put = (html) => {
    fetching?.push(html);
    const drawn = document.createElement("template");
    drawn.innerHTML = html;
    for (const fresh of [...drawn.content.children]) {
      const old = document.getElementById(fresh.id);
      if (old && !(+old.dataset.revision > +fresh.dataset.revision)) morph(old, fresh);
    }
  };

  let asked = 0;
  const redraw = (within) => { asked ||= setTimeout(draw, Math.random() * within); };
  const draw = async () => {
    asked = 0;
    if (fetching) return redraw(FIRST_DELAY);
    const since = (fetching = []);
    try {
      const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
      if (answer.redirected && new URL(answer.url).pathname === "/login") return location.reload();
      if (answer.status === 404) return location.reload(); // no longer there: it says so
      if (answer.status >= 500) throw answer;
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      if (answer.ok) morph(document.querySelector("main"), fresh.querySelector("main"));
      if (answer.ok && !fresh.getElementById("live")) close();
    } catch {
      redraw(MAX_DELAY);
    } finally {
      fetching = null;
      since.forEach(put);
    }
  };

  const reached = (html) => {
    const drawn = document.createElement("template");
    drawn.innerHTML = html;
    const { textContent, dataset } = drawn.content.firstElementChild;
    const card = document.getElementById(dataset.of);
    if (!card) return;
    const line = document.createElement("span");
    line.textContent = `${textContent} `;
    said.append(line); // what comes at the same moment is read too
    setTimeout(() => line.remove(), SHOWN);
    card.dataset.reached = "";
    setTimeout(() => delete card.dataset.reached, SHOWN);
  };

  let source, watchdog, heardAt, seen = badge.dataset.seen, delay = FIRST_DELAY;
  const show = (on) => {
    badge.classList.toggle("on", on);
    badge.classList.toggle("off", !on);
    const time = (heardAt ?? new Date(performance.timeOrigin)).toLocaleTimeString(document.documentElement.lang);
    const text = (on ? badge.dataset.on : badge.dataset.off).replace("%", () => time);
    if (badge.lastChild.textContent !== text) badge.lastChild.textContent = text;
  };
  const heard = (event) => {
    [delay, heardAt, seen] = [FIRST_DELAY, new Date(), event.lastEventId || seen];
    show(true);
    clearTimeout(watchdog);
    watchdog = setTimeout(reopen, SILENT);
  };
  const close = () => (clearTimeout(watchdog), source?.close());
  const reopen = () => {
    close();
    show(false);
    redraw(0); // refused, perhaps: then the page leads to where one signs in
    watchdog = setTimeout(open, delay);
    delay = Math.min(delay * 2, MAX_DELAY);
  };
  const open = () => {
    close();
    source = new EventSource(`${badge.dataset.stream}&seen=${encodeURIComponent(seen)}`);
    source.onopen = heard;
    source.onerror = () => {
      show(false);
      if (source.readyState === EventSource.CLOSED) reopen(); // refused; otherwise the browser tries again by itself
    };
    const on = (name, act) => source.addEventListener(name, (event) => (heard(event), act(event.data)));
    on("ping", () => {});
    on("put", put);
    on("redraw", (within) => redraw(+within));
    on("reached", reached);
  };
  addEventListener("pagehide", close);
  addEventListener("pageshow", (event) => { if (event.persisted) open(); });
  open();
})();
