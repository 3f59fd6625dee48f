"""Every public page and every mail, in both languages, light and dark, wide and narrow (see looking.py)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from playwright.sync_api import BrowserContext

from tests.access import COOKIE
from tests.browser import everything
from tests.browser.everything import Everything
from tests.browser.looking import ALL_RULES, faults, look

# A mail stands within a page of its reader's, which has the landmarks: a second `main` would be a fault there.
A_MAILS: Final = {**ALL_RULES, "rules": {name: {"enabled": False} for name in ("landmark-one-main", "region")}}


def test_public_pages(reader: BrowserContext, shown: Everything, lang: str):
    found = look(reader, lang, [path for _, path in shown.public])
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
        found += [f"{path} {fault}" for fault in faults(page, lang, A_MAILS)]
    assert not found, "\n".join(found)
