"""What pages are told: finished fragments, drawn once for each language and put in place by `live.js`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from dashboard.languages import LANGS, Lang
from dashboard.pace import standing
from dashboard.telling import Told


class Fragment(Protocol):
    """Draws a template without a request (see yinfeng.web.pages)."""

    def __call__(self, name: str, lang: Lang, context: Mapping[str, Any]) -> str: ...


@dataclass(frozen=True, slots=True, eq=False)
class Drawn:
    """The form of events for pages in one language. `morning`: whether the reader sees more than targets. One is made
    for all who read it (see make_forms): what is drawn is kept by the form, which is looked up for every listener."""

    fragment: Fragment
    lang: Lang
    hub: str
    morning: bool = False

    def __call__(self, told: Told) -> bytes:
        """`put`: elements that replace those of the same id; `redraw`: the page is to be drawn anew, within so many
        milliseconds; `reached`: an element's id and what to say of it. `id` is the page's mark (see Hub.follow)."""
        match told.event:
            case "progress":
                mark = f"id: {self.hub}:{told.revision}\n"
                return mark.encode() + _event("put", self._draw("fragments/target.html", told.row | _stood(told.row)))
            case "charts":
                shown = told.row if self.morning else {**told.row, "morning": None}
                return _event("put", self._draw("fragments/charts.html", shown))
            case "reached":
                return _event("reached", self._draw("fragments/reached.html", told.row))
            case "redraw":
                return _event("redraw", str(told.row["spread"]))
            case "withdrawn":
                return b""  # its campaign is drawn anew

    def _draw(self, name: str, row: Mapping[str, Any]) -> str:
        return self.fragment(name, self.lang, {"row": row})


def make_forms(fragment: Fragment, hub: str) -> Mapping[tuple[Lang, bool], Drawn]:
    """The forms for pages of a hub of this name, by language and `morning`."""
    return {(lang, morning): Drawn(fragment, lang, hub, morning=morning) for lang in LANGS for morning in (False, True)}


def _stood(row: Mapping[str, Any]) -> dict[str, Any]:
    return {"standing": standing(dict(row), row["starts_on"], row["today"])}


def _event(name: str, data: str) -> bytes:
    lines = "".join([f"data: {line}\n" for line in data.splitlines() if line.strip()])
    return f"event: {name}\n{lines}\n".encode()
