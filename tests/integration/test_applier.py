"""What can't be applied, on a real Postgres: set aside with nothing counted or lost, and tried again once mended."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest

from schemas.facts import validate_event
from schemas.topics import SEQ_HEADER
from storage import dead_letters, ledger
from storage.database import Conn, connect
from streams.applier import Applier
from streams.audit import Report, audit
from streams.intake import Incoming
from tests.facts import event, hired, opened, signed_up, target
from tests.strategies import Event
from yinfeng.commands.dead_letters import _retry

NOW = datetime(2026, 6, 1, tzinfo=UTC)
# Postgres itself refuses this candidate's journey, as it would for a fault of ours.
REFUSE = "ALTER TABLE journeys ADD CONSTRAINT refused CHECK (candidate <> 'poison')"
MEND = "ALTER TABLE journeys DROP CONSTRAINT refused"


@pytest.fixture
async def conn(database_url: str) -> AsyncIterator[Conn]:
    connection = await connect(database_url, name="test")
    yield connection
    await connection.close()


@pytest.fixture
async def applier(database_url: str) -> AsyncIterator[Applier]:
    made = Applier(database_url, clock=lambda: NOW)
    yield made
    await made.close()


async def accept(conn: Conn, *events: Event) -> None:
    await ledger.append(conn, [validate_event(each) for each in events], posted_by="key:k")


async def relayed(conn: Conn) -> list[Incoming]:
    """What the relay publishes now: the ledger's words, with their numbers."""
    cursor = await conn.execute("SELECT seq, event::text FROM pending JOIN facts USING (seq) ORDER BY seq")
    return [message(text.encode(), seq, seq) for seq, text in await cursor.fetchall()]


def message(value: bytes, offset: int, seq: int | None = None) -> Incoming:
    headers = ((SEQ_HEADER, str(seq).encode()),) if seq else ()
    return Incoming("yinfeng.facts", 0, offset, None, value, headers)


def straight(*events: Event) -> list[Incoming]:
    return [message(json.dumps(each).encode(), n) for n, each in enumerate(events)]


async def progress(conn: Conn) -> list[Any]:
    return [int(n) for (n,) in await (await conn.execute("SELECT progress FROM targets")).fetchall()]


async def audited(database_url: str) -> Report:
    async with await connect(database_url, name="audit") as conn:
        return await audit(conn)


async def bring(conn: Conn, applier: Applier, way: str, *events: Event) -> None:
    if way == "http":
        await accept(conn, *events)
        await applier.apply(await relayed(conn))
    else:
        await applier.apply(straight(*events))


@pytest.mark.parametrize("way", ["http", "kafka"])
async def test_poison_is_set_aside_uncounted_and_applied_once_mended(
    database_url: str, conn: Conn, applier: Applier, way: str
):
    await conn.execute(REFUSE)
    await bring(
        conn, applier, way, opened(), target("t"), hired("c1"), hired("poison", id="poison"), hired("c2"), hired("c3")
    )
    (letter,) = await dead_letters.listed(conn)
    assert json.loads(letter.value)["id"] == "poison"
    assert letter.reason.startswith("can't be applied: CheckViolation")
    assert await progress(conn) == [3]
    report = await audited(database_url)
    assert (report.drift, report.unapplied) == (0, 0)
    await conn.execute(MEND)
    assert await _retry(conn, letter.id or 0) == (True, "posted again")
    await applier.apply(await relayed(conn))
    assert await progress(conn) == [4]
    assert (await audited(database_url)).drift == 0


async def test_the_dead_letter_of_a_fact_that_waited_here_is_the_ledgers_word(conn: Conn, applier: Applier):
    await conn.execute(REFUSE)
    await accept(conn, hired("poison", id="poison"))
    (sent,) = await relayed(conn)
    await applier.apply([message(b"garbage", 0, sent.seq)])
    assert [letter.value for letter in await dead_letters.listed(conn)] == [sent.value]


async def test_a_retried_letter_that_is_known_already_says_so(conn: Conn, applier: Applier):
    given = hired("c1", id="twice")
    await applier.apply(straight(target("t"), given))
    await dead_letters.bury(conn, [straight(given)[0].dead("a bug, mended")])
    (letter,) = await dead_letters.listed(conn)
    assert await _retry(conn, letter.id or 0) == (True, "known already, so nothing was left to post")
    assert await dead_letters.listed(conn) == []
    assert await relayed(conn) == []


async def test_a_signup_published_again_after_its_erasure_is_no_dead_letter(conn: Conn, applier: Applier):
    await accept(conn, signed_up("c1", email="li@example.com"))
    before = await relayed(conn)
    await applier.apply(straight(event("candidate.erased", candidate="c1")))
    after = await relayed(conn)
    assert "name" not in json.loads(after[0].value or b"")["data"]
    for sent in (after, after, before, after + before):
        assert (await applier.apply(sent)).dead_letters == []
    assert await (await conn.execute("SELECT count(*) FROM facts")).fetchall() == [(2,)]
    assert await relayed(conn) == []


async def test_a_message_with_a_number_of_another_ledger_is_taken_for_what_it_says(conn: Conn, applier: Applier):
    await accept(conn, hired("c1"))
    (sent,) = await relayed(conn)
    old = message(json.dumps(hired("c2")).encode(), 1, sent.seq)
    garbage = message(b"garbage", 2, sent.seq)
    done = await applier.apply([old, garbage, sent])
    assert (done.facts, [letter.value for letter in done.dead_letters]) == (2, [b"garbage"])
    assert await (await conn.execute("SELECT candidate FROM journeys ORDER BY 1")).fetchall() == [("c1",), ("c2",)]
