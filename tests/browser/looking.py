"""How pages are looked at: axe finds nothing, and nothing scrolls sideways.

Looking is what costs: of the four ways each language has two, that differ in both width and colours, and the other
language has the other two."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib import resources
from typing import Any, Final

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from tests.browser import everything
from tests.browser.everything import Everything

WAYS: Final = {"en": (("light", 1280), ("dark", 320)), "zh-CN": (("dark", 1280), ("light", 320))}
HEIGHT: Final = 800
AXE: Final = (resources.files("axe_playwright_python") / "axe.min.js").read_text()
# axe's rules of WCAG 2.2 AA and its best practices. The frames of mails run no scripts: axe would wait in vain for
# their answer. What is in them is looked at by itself.
ALL_RULES: Final[dict[str, Any]] = {"resultTypes": ["violations"], "iframes": False}
FAULTS = """async options => (await axe.run(document, options)).violations.flatMap(
  rule => rule.nodes.map(node => `${rule.id}: ${node.target} ${node.any.map(each => each.message)}`))"""
SIDEWAYS = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.fixture(params=list(WAYS))
def lang(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def shown(database_url: str, apply: Callable[..., None], lang: str) -> Everything:
    return everything.build(database_url, apply, lang)


@pytest.fixture
def reader(browser: Browser, address: str, lang: str) -> Iterator[BrowserContext]:
    """A browser of somebody who reads this language."""
    context = browser.new_context(locale=lang, base_url=address)
    context.set_default_timeout(120_000)  # milliseconds
    context.route("**/templates/preview?*", lambda route: route.fulfill(body=""))  # the gallery has a frame for each
    yield context
    context.close()


def faults(page: Page, lang: str, rules: dict[str, Any] = ALL_RULES) -> list[str]:
    """What is wrong with this page, as it is shown now, in the ways of looking that this language has."""
    page.evaluate(AXE)
    found = []
    for scheme, width in WAYS[lang]:
        page.set_viewport_size({"width": width, "height": HEIGHT})
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
        found += [f"{scheme} {width}: {fault}" for fault in page.evaluate(FAULTS, rules)]
        if (over := page.evaluate(SIDEWAYS)) > 0:
            found.append(f"{width}: {over} pixels to scroll sideways")
    return found


def look(context: BrowserContext, lang: str, paths: list[str]) -> list[str]:
    """What is wrong with these pages."""
    page = context.new_page()
    found = []
    for path in paths:
        answer = page.goto(path)
        assert answer is not None
        assert answer.status < 500, path
        found += [f"{path} {fault}" for fault in faults(page, lang)]
    page.close()
    return found
