"""Facts and mails on one side, the web app that their links lead to on the other."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx
import pytest

from dashboard.access.cookies import Cookies
from notifications.links.own import saying
from schemas.settings import Settings
from storage.access import keys
from storage.database import make_pool
from tests.access import session_by
from tests.facts import event, opened, signed_up
from tests.integration.office import Office
from yinfeng.web.app import create_app

OFFER = {"offer": "o1", "employer": "华友钴业", "position": "Chemist"}
FORM = {"accept": "text/html", "content-type": "application/x-www-form-urlencoded"}


@dataclass
class World:
    """Facts and mails on one side, the web app that their links lead to on the other."""

    office: Office
    http: httpx.AsyncClient
    organizer: dict[str, str]
    employer: dict[str, str]

    async def link(self, purpose: str, candidate: str = "c1", kind: str | None = None) -> str:
        """The path of the newest link of this purpose that a candidate was sent."""
        query = (
            "SELECT text FROM mails JOIN messages m ON m.id = message"
            " WHERE candidate = %s AND coalesce(%s, kind) = kind ORDER BY m.id DESC"
        )
        for (text,) in await self.office.rows(query, [candidate, kind]):
            if found := re.search(rf"https://park\.example(/{purpose}/\S+)", text):
                return found[1]
        raise AssertionError(f"no mail to {candidate} has a link to /{purpose}")

    async def apply(self) -> None:
        """What the worker does with what waits in the ledger."""
        await self.office.apply_what_waits()

    async def page(self, path: str, status: int = 200, **headers: str) -> str:
        answer = await self.http.get(path, headers=headers)
        assert answer.status_code == status, answer.text
        return answer.text

    async def post(self, path: str, status: int = 303, headers: dict[str, str] | None = None, **form: Any) -> str:
        answer = await self.http.post(path, data=form, headers=headers)
        assert answer.status_code == status, answer.text
        return answer.text

    async def said(self) -> list[tuple[str, str, str]]:
        """What was said by links: type, source, by whom."""
        return await self.office.rows(
            "SELECT type, source, posted_by FROM facts WHERE source IN ('/tickets', '/offers') ORDER BY seq"
        )


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    async with make_pool(database_url, name="test") as pool:
        office = Office(pool)
        async with pool.connection() as conn:
            organizer = await keys.create(conn, name="o", role="organizer")
            employer = await keys.create(conn, name="e", role="employer", employer="华友钴业")
        app = create_app(Settings(database_url=database_url, kafka="127.0.0.1:1", public_url="https://park.example"))
        client = httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url="http://test", headers={"accept-language": "en"}
        )
        async with app.router.lifespan_context(app), client as http:
            yield World(office, http, _bearer(organizer), _bearer(employer))


def _bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


def fair(office: Office, *, hours: float = 1, **more: Any) -> dict[str, Any]:
    start = office.clock().replace(microsecond=0) + timedelta(hours=hours)
    given = {"fair": "f1", "title": "Spring fair", "mode": "onsite", "starts_at": start.isoformat(), "city": "武汉"}
    return event("fair.scheduled", **{**given, "ends_at": (start + timedelta(hours=7)).isoformat(), **more})


def person(candidate: str = "c1", **more: Any) -> dict[str, Any]:
    given = {"fair": "f1", "email": f"{candidate}@example.com", "locale": "en", "id": f"s-{candidate}"}
    return signed_up(candidate, **{**given, **more})


async def confirmed(world: World, *facts: dict[str, Any]) -> None:
    await world.office.tell(opened(), *facts)
    await world.office.sender().send_all()


async def as_cookie(world: World) -> dict[str, str]:
    """The session as a browser sends it, which another site may have made to."""
    async with world.office.pool.connection() as conn:
        session = await session_by(conn, world.organizer["authorization"].split()[1])
    return {"cookie": f"{Cookies(secure=True).session}={session}"}


@asynccontextmanager
async def applying(world: World) -> AsyncIterator[None]:
    """A worker at work meanwhile."""

    async def work() -> None:
        while True:
            await world.apply()
            await asyncio.sleep(0.01)

    task, patience = asyncio.create_task(work()), saying.WAIT
    saying.WAIT = 20.0
    try:
        yield
    finally:
        saying.WAIT = patience
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
