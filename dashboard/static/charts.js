// Charts by the keyboard: the arrow keys go from value to value. And the button that prints.
"use strict";
(() => {
  const MOVES = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity };
  const said = document.getElementById("said");
  const valuesOf = (plot) => [...plot.querySelectorAll(".value")];
  const leave = (plot) => valuesOf(plot).forEach((each) => each.removeAttribute("data-read"));
  addEventListener("keydown", (event) => {
    const plot = event.target.closest?.(".plot");
    const values = plot && valuesOf(plot);
    if (!values?.length || !(event.key in MOVES)) return;
    event.preventDefault();
    const at = values.findIndex((each) => each.hasAttribute("data-read"));
    const from = at < 0 ? values.length : at;
    const to = Math.min(Math.max(from + MOVES[event.key], 0), values.length - 1);
    leave(plot);
    values[to].setAttribute("data-read", "");
    if (said) said.textContent = values[to].textContent;
  });
  addEventListener("focusout", (event) => {
    const plot = event.target.closest?.(".plot");
    if (plot) leave(plot);
  });
  // A number leads to who is counted, a day of its chart to who came on it, as the link beside them does.
  const explain = (at, day) => {
    const why = at.closest(".card")?.querySelector("[data-why]");
    if (why) location.assign(day ? `${why.getAttribute("href")}?day=${day}` : why.href);
  };
  addEventListener("click", (event) => {
    const value = event.target.closest?.(".value");
    if (value) explain(value, value.dataset.day);
    else if (event.target.closest?.(".figure")) explain(event.target);
  });
  addEventListener("keydown", (event) => {
    const value = event.key === "Enter" && event.target.closest?.(".plot")?.querySelector(".value[data-read]");
    if (value) explain(value, value.dataset.day);
  });
  const menus = () => document.querySelectorAll("details.menu[open]");
  addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const menu of menus()) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
  });
  addEventListener("click", (event) => menus().forEach((menu) => menu.contains(event.target) || (menu.open = false)));
  document.getElementById("print")?.addEventListener("click", () => window.print());
})();
