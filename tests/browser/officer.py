"""An HR officer at a browser, whose every click is counted: by the mouse, or by the keyboard alone."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Final

from playwright.sync_api import Locator, Page, expect

from dashboard.access.cookies import Cookies
from dashboard.languages import Lang
from yinfeng.web.pages import make_page

MOST_TABS: Final = 400  # from one thing to another: more is a trap
HAS_FOCUS: Final = "element => element === document.activeElement"
AHEAD: Final = """element => {
  const all = [...document.querySelectorAll('a[href], button, input, select, textarea, summary, [tabindex="0"]')]
    .filter(each => each.type !== 'hidden' && each.checkVisibility());
  return all.indexOf(element) - all.indexOf(document.activeElement);
}"""
OUTLINED: Final = """element => {
  const style = getComputedStyle(element);
  return style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2;
}"""
_PAGES: Final = make_page(Cookies(secure=False))


@dataclass
class Officer:
    """Reads pages in `lang`. `clicks`: since the task began."""

    page: Page
    lang: Lang
    clicks: int = 0
    keys: int = 0
    unseen: list[str] = field(default_factory=list)

    def says(self, key: str, **values: Any) -> str:
        """What a text of the pages is in the officer's language."""
        text = _PAGES.text(self.lang, key)
        return text.format(**values) if values else text

    def open(self, address: str) -> None:
        """Where a task begins."""
        self.page.goto(address)
        self.clicks = self.keys = 0

    def link(self, key: str, *, within: str = "main", about: str = "") -> None:
        """Follow the link that says this; `about`: which of several, by the words around it."""
        self.click(self._named("link", key, within, about))

    def button(self, key: str, *, within: str = "main", **values: Any) -> None:
        self.click(self._named("button", key, within, "", **values))

    def _named(self, role: Any, key: str, within: str, about: str, **values: Any) -> Locator:
        place = self.page.locator(within)
        if about:
            place = place.filter(has_text=about).filter(visible=True).last
        exactly = re.compile(rf"^\s*{re.escape(self.says(key, **values))}(\W.*)?$", re.DOTALL)
        return place.get_by_role(role, name=exactly).first

    def click(self, thing: Locator) -> None:
        """One click."""
        thing.click()
        self.clicks += 1

    def check(self, thing: Locator) -> None:
        thing.check()
        self.clicks += 1

    def choose(self, name: str, value: str) -> None:
        """A choice in a select: one click opens it, the choice is the one that counts."""
        self.page.locator(f"select[name='{name}']").select_option(value)
        self.clicks += 1

    def fill(self, within: str = "main", **typed: str) -> None:
        """Type into fields, by their names: no click, since the tabulator leads from one to the next."""
        for name, value in typed.items():
            self._field(within, name).fill(value)

    def _field(self, within: str, name: str) -> Locator:
        return self.page.locator(within).locator(f"[name='{name}']:is(input:not([type='hidden']), textarea)").first

    def saved(self) -> None:
        """The page says that what was just sent is saved."""
        expect(self.page.locator(".notice")).to_contain_text(self.says("notice.done"))


class KeyboardOfficer(Officer):
    """Has no mouse. Each key that acts counts as a click does; the tabulator's strokes do not, but must get there."""

    def click(self, thing: Locator) -> None:
        self._reach(thing)
        self._act("Enter")

    def check(self, thing: Locator) -> None:
        self._reach(thing)
        self._act("Space")
        expect(thing).to_be_checked()

    def choose(self, name: str, value: str) -> None:
        select = self.page.locator(f"select[name='{name}']")
        self._reach(select)
        for _ in range(select.locator("option").count()):
            if select.input_value() == value:
                break
            self.page.keyboard.press("ArrowDown")
        assert select.input_value() == value
        self.clicks += 1

    def fill(self, within: str = "main", **typed: str) -> None:
        for name, value in typed.items():
            thing = self._field(within, name)
            self._reach(thing)
            if thing.get_attribute("type") in ("date", "time"):
                self._type_date(thing, value)
            else:
                self.page.keyboard.press("Control+a")
                self.page.keyboard.insert_text(value)
            assert thing.input_value() == value

    def _type_date(self, thing: Locator, value: str) -> None:
        """In the order of the segments of an English browser: month, day, year; hour, minute, half of the day."""
        if ":" in value:
            hour, minute = (int(part) for part in value.split(":"))
            self.page.keyboard.type(f"{hour % 12 or 12:02}{minute:02}{'AM' if hour < 12 else 'PM'}")
        else:
            year, month, day = value.split("-")
            self.page.keyboard.type(f"{month}{day}{year}")

    def _reach(self, thing: Locator) -> None:
        """Go there by the tabulator, and see that one sees where one is."""
        thing.wait_for(state="attached")
        burst = thing.evaluate(AHEAD)  # so many strokes without a look: one at a time takes minutes
        stroke = "Shift+Tab" if burst < 0 else "Tab"
        while self.keys < MOST_TABS and not thing.evaluate(HAS_FOCUS):
            for _ in range(max(abs(burst), 1)):
                self.page.keyboard.press(stroke)
                self.keys += 1
            burst = 0
        if not thing.evaluate(HAS_FOCUS):
            raise AssertionError(f"the tabulator never gets to {thing}")
        if not thing.evaluate(OUTLINED):
            self.unseen.append(str(thing))

    def _act(self, key: str) -> None:
        self.page.keyboard.press(key)
        self.page.wait_for_load_state()
        self.clicks += 1
