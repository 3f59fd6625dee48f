"""Every page and every mail, in both languages, light and dark, wide and narrow: axe finds nothing, and nothing scrolls
sideways."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib import resources
from typing import Any, Final

import pytest
from fastapi.routing import iter_route_contexts
from playwright.sync_api import Browser, BrowserContext, Page

from schemas.settings import Settings
from tests.access import COOKIE
from tests.browser import everything
from tests.browser.everything import Everything
from yinfeng.web import create_app

LANGS = ["en", "zh-CN"]
WIDTHS: Final = (1280, 320)
HEIGHT: Final = 800
# axe's rules of WCAG 2.2 AA and its best practices. What only colours change is asked again in the dark.
ALL_RULES: Final[dict[str, Any]] = {"resultTypes": ["violations"]}
COLOURS: Final = {**ALL_RULES, "runOnly": ["color-contrast", "link-in-text-block"]}
# A mail stands within a page of its reader's, which has the landmarks: a second `main` would be a fault there.
A_MAILS: Final = {**ALL_RULES, "rules": {name: {"enabled": False} for name in ("landmark-one-main", "region")}}
FAULTS = """async options => (await axe.run(document, options)).violations.flatMap(
  rule => rule.nodes.map(node => `${rule.id}: ${node.target} ${node.any.map(each => each.message)}`))"""
SIDEWAYS = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.fixture(params=LANGS)
def lang(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def shown(database_url: str, apply: Callable[..., None], lang: str) -> Everything:
    return everything.build(database_url, apply, lang)


@pytest.fixture
def reader(browser: Browser, address: str, lang: str) -> Iterator[BrowserContext]:
    """A browser of somebody who reads this language, with axe in each page."""
    context = browser.new_context(locale=lang, base_url=address)
    context.set_default_timeout(120_000)  # milliseconds; the gallery of templates has a frame for each
    context.add_init_script(path=str(resources.files("axe_playwright_python") / "axe.min.js"))
    yield context
    context.close()


def faults(page: Page, rules: dict[str, Any] = ALL_RULES) -> list[str]:
    """What is wrong with this page, as it is shown now, in each of four ways of looking at it."""
    found = []
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": HEIGHT})
        for scheme, options in (("light", rules), ("dark", COLOURS)):
            page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
            found += [f"{scheme} {width}: {fault}" for fault in page.evaluate(FAULTS, options)]
        if (over := page.evaluate(SIDEWAYS)) > 0:
            found.append(f"{width}: {over} pixels to scroll sideways")
    return found


def look(context: BrowserContext, paths: list[str]) -> list[str]:
    """What is wrong with these pages."""
    page = context.new_page()
    found = []
    for path in paths:
        answer = page.goto(path)
        assert answer is not None
        assert answer.status < 500, path
        found += [f"{path} {fault}" for fault in faults(page)]
    page.close()
    return found


def test_own_pages(reader: BrowserContext, shown: Everything, make_session: Callable[..., str], address: str):
    reader.add_cookies([{"name": COOKIE, "value": make_session("organizer"), "url": address}])
    found = look(reader, [path for _, path in everything.OWN])
    assert not found, "\n".join(found)


def test_an_employer_s_pages(reader: BrowserContext, shown: Everything, make_session: Callable[..., str], address: str):
    session = make_session("employer", everything.LONG)
    reader.add_cookies([{"name": COOKIE, "value": session, "url": address}])
    found = look(reader, ["/", f"/campaigns/{everything.CAMPAIGN}"])
    assert not found, "\n".join(found)


def test_public_pages(reader: BrowserContext, shown: Everything):
    found = look(reader, [path for _, path in shown.public])
    assert not found, "\n".join(found)


def test_mails(reader: BrowserContext, shown: Everything, make_session: Callable[..., str], address: str, lang: str):
    """As HTML alone: the frame that shows them here runs no scripts, so axe neither."""
    reader.add_cookies([{"name": COOKIE, "value": make_session("organizer"), "url": address}])
    page = reader.new_page()
    found = []
    for path in everything.mails(lang):
        answer = reader.request.get(path)
        assert answer.ok, path
        page.goto("about:blank")
        page.set_content(answer.text())
        found += [f"{path} {fault}" for fault in faults(page, A_MAILS)]
    assert not found, "\n".join(found)


def test_no_page_is_left_out(shown: Everything):
    """A route of a new page is looked at, or named as none."""
    looked_at = {route for route, _ in everything.OWN + shown.public} | everything.ALSO
    app = create_app(Settings(database_url="postgresql://127.0.0.1:1/x", kafka="127.0.0.1:1"))
    routes = {route.path for route in iter_route_contexts(app.routes) if "GET" in (route.methods or {"GET"})}
    assert {path for path in routes if not everything.NO_PAGES.fullmatch(path)} - looked_at == set()
