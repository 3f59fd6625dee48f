// Charts by the keyboard: the arrow keys go from value to value. And the button that prints.
"use strict";
(() => {
  const MOVES = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity };
  const said = document.getElementById("said");
  const valuesOf = (plot) => [...plot.querySelectorAll(".value")];
  const leave = (plot) => valuesOf(plot).forEach((each) => each.classList.remove("on"));
  addEventListener("keydown", (event) => {
    const plot = event.target.closest?.(".plot");
    const values = plot && valuesOf(plot);
    if (!values?.length || !(event.key in MOVES)) return;
    event.preventDefault();
    const at = values.findIndex((each) => each.classList.contains("on"));
    const from = at < 0 ? values.length : at;
    const to = Math.min(Math.max(from + MOVES[event.key], 0), values.length - 1);
    leave(plot);
    values[to].classList.add("on");
    if (said) said.textContent = values[to].textContent;
  });
  addEventListener("focusout", (event) => {
    const plot = event.target.closest?.(".plot");
    if (plot) leave(plot);
  });
  document.getElementById("print")?.addEventListener("click", () => window.print());
})();
