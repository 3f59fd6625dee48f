"""`Prefer: wait`: a client reads what it wrote, and waits no longer than it said."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import httpx
import pytest

from producers.waiting import wanted_wait
from schemas.settings import Settings
from schemas.topics import SEQ_HEADER
from storage.access import keys
from storage.database import Conn, connect
from storage.ledger import positions
from storage.ledger.events import WHOLE
from storage.ledger.positions import Log
from streams.applier import Applier
from streams.chunks import Chunk
from streams.intake import Incoming
from streams.persisting import Persistence
from tests.facts import CAMPAIGN, hired, opened, target
from tests.strategies import Event
from yinfeng.web.app import create_app

NOW = datetime(2026, 12, 1, tzinfo=UTC)
LOG = Log("cluster", "yinfeng.facts", "first")


class Desk:
    """The web app, and a worker that applies when it is told to."""

    def __init__(self, http: httpx.AsyncClient, conn: Conn, persistence: Persistence) -> None:
        self._http, self._conn, self._applier = http, conn, Applier(persistence, clock=lambda: NOW)

    async def post(self, *events: Event, prefer: str) -> httpx.Response:
        headers = {"Content-Type": "application/cloudevents-batch+json", "Prefer": prefer}
        return await self._http.post("/v1/events", json=list(events), headers=headers)

    async def targets(self) -> list[str]:
        answer = await self._http.get(f"/v1/campaigns/{CAMPAIGN}/targets")
        return [each["target"] for each in answer.json()] if answer.status_code == 200 else []

    async def apply(self, *, waiting: int) -> None:
        """Once so many facts wait."""
        while True:
            rows = await (
                await self._conn.execute(f"SELECT seq, {WHOLE} FROM pending JOIN facts f USING (seq) ORDER BY seq")
            ).fetchall()
            if len(rows) >= waiting:
                break
            await asyncio.sleep(0.01)
        at = (await positions.read(self._conn, LOG, [0]))[0]
        records = tuple(
            Incoming(LOG.topic, 0, at + n, None, text.encode(), ((SEQ_HEADER, str(seq).encode()),))
            for n, (seq, text) in enumerate(rows)
        )
        await self._applier.apply(LOG, [Chunk(0, at, at + len(records), records)])


@pytest.fixture
async def desk(database_url: str) -> AsyncIterator[Desk]:
    persistence = Persistence(database_url, name="test", jitter=lambda: 1.0)
    async with await connect(database_url, name="test") as conn:
        await positions.begin(conn, LOG, {0: 0})
        key = await keys.create(conn, name="o", role="organizer")
        app = create_app(Settings(database_url=database_url, kafka="127.0.0.1:1"))
        client = httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url="http://test", headers={"Authorization": f"Bearer {key}"}
        )
        async with app.router.lifespan_context(app), client as http:
            yield Desk(http, conn, persistence)
    await persistence.close()


async def test_who_waits_reads_what_it_wrote(desk: Desk):
    answer, _ = await asyncio.gather(desk.post(opened(), target("t"), prefer="wait=10"), desk.apply(waiting=2))
    assert (answer.status_code, answer.headers["Preference-Applied"]) == (202, "wait=10")
    assert await desk.targets() == ["t"]


async def test_who_waits_for_what_is_applied_already_is_answered_at_once(desk: Desk):
    said = [opened(id="o"), target("t", id="t")]
    await asyncio.gather(desk.post(*said, prefer="wait=10"), desk.apply(waiting=2))
    again = await desk.post(*said, prefer="wait=10")
    assert (again.json()["duplicates"], again.headers["Preference-Applied"]) == (2, "wait=10")


async def test_where_nothing_is_applied_the_answer_comes_all_the_same(desk: Desk):
    answer = await desk.post(opened(), prefer="wait=1")
    assert (answer.status_code, answer.headers.get("Preference-Applied")) == (202, None)
    answer = await desk.post(target("t"), prefer="respond-async")
    assert (answer.status_code, answer.headers.get("Preference-Applied")) == (202, None)


async def test_what_ends_among_the_dead_letters_is_not_said_to_be_applied(desk: Desk):
    await desk._conn.execute("ALTER TABLE journeys ADD CONSTRAINT refused CHECK (candidate <> 'poison')")
    answer, _ = await asyncio.gather(desk.post(hired("poison"), prefer="wait=10"), desk.apply(waiting=1))
    assert (answer.status_code, answer.headers.get("Preference-Applied")) == (202, None)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        (["wait=10"], 10),
        (["WAIT = 5"], 5),
        (['wait="7"'], 7),
        (["respond-async, wait=3"], 3),
        (["respond-async; x=y", "wait=4; foo"], 4),
        (["wait=2, wait=9"], 2),
        (["wait=99999999"], 30),
        (["wait=0"], 0),
        ([], None),
        (["wait"], None),
        (["wait=soon"], None),
        (["wait=-1"], None),
        (["wait=1.5"], None),
        (["await=3"], None),
        (["x-wait=3"], None),
        (["wait=99999999999999999999"], None),
    ],
)
def test_how_long_a_client_would_wait(headers: list[str], seconds: int | None):
    assert wanted_wait(headers) == seconds
