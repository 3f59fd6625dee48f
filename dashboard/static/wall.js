// Shows the campaigns of a wall one after the other. Without it they stand below one another.
"use strict";
(() => {
  const EVERY = 15000; // milliseconds for each
  const [hold, next] = ["hold", "next"].map((id) => document.getElementById(id));
  if (!hold) return;
  const turn = () => {
    const slides = [...document.querySelectorAll(".slide")];
    const at = slides.findIndex((each) => "shown" in each.dataset);
    if (slides.length === 0) return;
    const after = slides[(at + 1) % slides.length];
    for (const each of slides) if (each !== after) delete each.dataset.shown;
    after.dataset.shown = "";
  };
  const page = document.documentElement.classList; // what the page is drawn anew with leaves these alone
  page.add("rotating");
  hold.addEventListener("click", () => page.toggle("held"));
  next.addEventListener("click", turn);
  turn();
  setInterval(() => { if (!page.contains("held")) turn(); }, EVERY);
})();
