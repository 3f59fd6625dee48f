"""Browsers that are signed in, for the tests."""

from __future__ import annotations

import re
from typing import Any

import httpx

from dashboard.access.cookies import Cookies
from storage.access import accounts, keys, sessions
from storage.database import Conn

COOKIE = Cookies(secure=False).session
PASSWORD = "seven purple walruses"


async def session_of(conn: Conn, role: str, employer: str | None = None) -> str:
    """What the cookie of a browser holds that is signed in by a key of this role."""
    token = await keys.create(conn, name=role, role=role, employer=employer)
    return await session_by(conn, token)


async def session_by(conn: Conn, token: str) -> str:
    """The same by this key."""
    caller = await keys.verify(conn, token)
    return await sessions.start(conn, key=caller.key, ip="127.0.0.1", agent="tests")


async def person(conn: Conn, email: str = "wang@example.com", **more: Any) -> str:
    """An account, without a password; an organizer's unless told. Returns its id."""
    given = {"name": "王芳", "role": "organizer", **more}
    return await accounts.create(conn, email=email, **given)


def csrf(page: str) -> str:
    """The word that the forms of this page carry."""
    found = re.search(r'name="csrf" value="(\w+)"', page)
    assert found, page
    return found[1]


def send(client: httpx.Client, at: str, form: dict[str, Any], *, to: str | None = None) -> httpx.Response:
    """Open a page, and send a form of it."""
    return client.post(to or at, data={"csrf": csrf(client.get(at).text), **form})
