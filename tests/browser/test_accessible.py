"""Every page of those who are signed in, in both languages, light and dark, wide and narrow (see looking.py)."""

from __future__ import annotations

from collections.abc import Callable

from fastapi.routing import iter_route_contexts
from playwright.sync_api import BrowserContext

from schemas.settings import Settings
from tests.access import COOKIE
from tests.browser import everything
from tests.browser.everything import Everything
from tests.browser.looking import look
from yinfeng.web.app import create_app


def test_own_pages(
    reader: BrowserContext, shown: Everything, make_session: Callable[..., str], address: str, lang: str
):
    reader.add_cookies([{"name": COOKIE, "value": make_session("organizer"), "url": address}])
    found = look(reader, lang, [path for _, path in everything.OWN])
    assert not found, "\n".join(found)


def test_an_employer_s_pages(
    reader: BrowserContext, shown: Everything, make_session: Callable[..., str], address: str, lang: str
):
    session = make_session("employer", everything.LONG)
    reader.add_cookies([{"name": COOKIE, "value": session, "url": address}])
    found = look(reader, lang, ["/", f"/campaigns/{everything.CAMPAIGN}"])
    assert not found, "\n".join(found)


def test_no_page_is_left_out(shown: Everything):
    """A route of a new page is looked at, or named as none."""
    looked_at = {route for route, _ in everything.OWN + shown.public} | everything.ALSO
    app = create_app(Settings(database_url="postgresql://127.0.0.1:1/x", kafka="127.0.0.1:1"))
    routes = {route.path for route in iter_route_contexts(app.routes) if "GET" in (route.methods or {"GET"})}
    assert {path for path in routes if not everything.NO_PAGES.fullmatch(path)} - looked_at == set()
