"""Reminders and changed fairs, from facts to messages, on a real Postgres."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from notifications.sending.scheduler import look
from schemas.access import CONSOLE
from schemas.facts import build_fact
from schemas.topics import SEQ_HEADER
from storage.database import Conn, connect
from storage.ledger import ledger
from storage.ledger.events import WHOLE
from streams.apply import apply_batch
from streams.intake import Incoming
from tests.facts import event, opened, retraction, signed_up, target
from tests.integration.applying import incoming

START = datetime.fromisoformat("2026-04-18T09:00:00+08:00")
DAY = timedelta(days=1)


@pytest.fixture
async def conn(database_url: str):
    connection = await connect(database_url, name="test")
    await apply_batch(connection, incoming(opened(), scheduled(START)), now=START - 9 * DAY)
    people = [signed_up(f"c{n}", fair="f1", email=f"c{n}@mail.example") for n in range(3)]
    await apply_batch(connection, incoming(*people, signed_up("other", fair="f2")), now=START - 9 * DAY)
    yield connection
    await connection.close()


def scheduled(start: datetime, **more: Any) -> dict[str, Any]:
    ends = start + timedelta(hours=7)
    return event(
        "fair.scheduled",
        time=f"2026-03-{8 + next(_days):02d}T09:00:00+08:00",
        fair="f1",
        title="Fair",
        mode="onsite",
        starts_at=start.isoformat(),
        ends_at=ends.isoformat(),
        **more,
    )


_days = iter(range(20))


async def asked(conn: Conn) -> dict[str, int]:
    cursor = await conn.execute("SELECT kind, count(*) FROM messages WHERE kind LIKE 'fair%' GROUP BY 1")
    return dict(await cursor.fetchall())


async def test_everybody_who_signed_up_is_reminded_once_each_time(conn: Conn):
    await look(conn, START - 2 * DAY)
    assert await asked(conn) == {}
    for _ in range(3):
        await look(conn, START - DAY)
    assert await asked(conn) == {"fair_reminder": 3}
    for _ in range(3):
        await look(conn, START - timedelta(hours=1))
    await look(conn, START + timedelta(hours=1))
    assert await asked(conn) == {"fair_reminder": 6}


async def test_a_moved_fair_is_told_of_and_reminded_of_anew(conn: Conn):
    await look(conn, START - DAY)
    await apply_batch(conn, incoming(scheduled(START + 3 * DAY)), now=START - DAY)
    for _ in range(2):
        await look(conn, START - DAY)
    assert await asked(conn) == {"fair_reminder": 3, "fair_rescheduled": 3}
    await look(conn, START + 2 * DAY)
    assert await asked(conn) == {"fair_reminder": 6, "fair_rescheduled": 3}


async def test_a_cancelled_fair_is_told_of_and_no_more_reminded_of(conn: Conn):
    await look(conn, START - 2 * DAY)
    off = event("fair.cancelled", time="2026-04-01T09:00:00+08:00", fair="f1", reason="storm")
    await apply_batch(conn, incoming(off), now=START - 2 * DAY)
    await look(conn, START - DAY)
    await look(conn, START - timedelta(hours=1))
    assert await asked(conn) == {"fair_cancelled": 3}


async def by_form(conn: Conn, said: dict[str, Any], until: datetime) -> None:
    """What a form says is a fact of the ledger's own."""
    fact = build_fact({**said, "source": CONSOLE, "undountil": until.isoformat()})
    numbers = await ledger.append(conn, [fact], posted_by="account:hr")
    [number] = numbers.values()
    [[text]] = await (await conn.execute(f"SELECT {WHOLE} FROM facts f WHERE seq = %s", [number])).fetchall()
    record = Incoming("yinfeng.facts", 0, 0, None, text.encode(), ((SEQ_HEADER, str(number).encode()),))
    assert (await apply_batch(conn, [record], now=until - timedelta(seconds=40))).facts == 1


async def test_nobody_is_told_of_what_may_still_be_undone(conn: Conn):
    now = START - 2 * DAY
    await look(conn, now)
    off = event("fair.cancelled", id="off", time="2026-04-01T09:00:00+08:00", fair="f1", reason="by mistake")
    await by_form(conn, off, now + timedelta(seconds=40))
    await look(conn, now)
    assert await asked(conn) == {}
    await apply_batch(conn, incoming(retraction("off", at=CONSOLE)), now=now)
    await look(conn, now + timedelta(seconds=60))
    assert await asked(conn) == {}
    await by_form(conn, {**off, "id": "really"}, now + timedelta(seconds=80))
    await look(conn, now + timedelta(seconds=60))
    assert await asked(conn) == {}
    await look(conn, now + timedelta(seconds=81))
    assert await asked(conn) == {"fair_cancelled": 3}


async def test_two_workers_ask_once(conn: Conn, database_url: str):
    other = await connect(database_url, name="other")
    async with conn.transaction():
        await look(conn, START - DAY)
        assert await look(other, START - DAY) == 0
    assert await look(other, START - DAY) == 0
    assert await asked(conn) == {"fair_reminder": 3}
    await other.close()


async def test_in_the_morning_hr_is_told_once_how_targets_stand(conn: Conn):
    await apply_batch(conn, incoming(target("t", goal=100, measure="signed_up")), now=START)
    for minutes in (0, 1):
        await look(conn, START + timedelta(minutes=minutes))
    cursor = await conn.execute("SELECT kind, params FROM messages WHERE candidate IS NULL ORDER BY kind")
    told = dict(await cursor.fetchall())
    assert told.keys() == {"daily_digest", "target_at_risk"}
    assert [row["progress"] for row in told["daily_digest"]["targets"]] == [4]
    assert [fair["title"] for fair in told["daily_digest"]["fairs"]] == ["Fair"]
