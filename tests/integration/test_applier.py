"""What can't be applied, on a real Postgres: set aside with nothing counted or lost, and tried again once mended."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
from msgspec.structs import replace

from schemas.errors import Fenced
from schemas.facts import validate_event
from schemas.topics import SEQ_HEADER
from storage.database import Conn, connect
from storage.ledger import dead_letters, ledger, positions
from storage.ledger.events import WHOLE
from storage.ledger.positions import Log
from storage.time_limits import LIMITS, Limits
from streams.applier import Applier, Novelty
from streams.apply import Applied, apply_batch
from streams.audit import audit
from streams.chunks import Chunk
from streams.comparing import Report
from streams.foreseen import FEW
from streams.intake import Incoming
from streams.persisting import Persistence
from tests.facts import event, hired, opened, signed_up, target
from tests.strategies import Event
from yinfeng.commands.dead_letters import _retry

NOW = datetime(2026, 6, 1, tzinfo=UTC)
LOG = Log("cluster", "yinfeng.facts", "first")
# Postgres itself refuses this candidate's journey, as it would for a fault of ours.
REFUSE = "ALTER TABLE journeys ADD CONSTRAINT refused CHECK (candidate <> 'poison')"
MEND = "ALTER TABLE journeys DROP CONSTRAINT refused"


class Reader:
    """Hands batches to an applier as a log does: each where the one before it ended."""

    def __init__(self, persistence: Persistence) -> None:
        self._persistence, self._applier, self._at = persistence, Applier(persistence, clock=lambda: NOW), 0

    @property
    def conflicts(self) -> int:
        return self._persistence.conflicts

    async def apply(self, incoming: list[Incoming]) -> Applied:
        records = tuple(replace(each, offset=self._at + n) for n, each in enumerate(incoming))
        chunk = Chunk(0, self._at, self._at + len(records), records)
        await self._persistence.persist(lambda conn: positions.begin(conn, LOG, {0: 0}))
        self._at = chunk.upto
        return await self._applier.apply(LOG, [chunk])


@pytest.fixture
async def applier(database_url: str) -> AsyncIterator[Reader]:
    persistence = Persistence(database_url, name="test", jitter=lambda: 1.0)
    yield Reader(persistence)
    await persistence.close()


async def accept(conn: Conn, *events: Event) -> None:
    await ledger.append(conn, [validate_event(each) for each in events], posted_by="key:k")


async def relayed(conn: Conn) -> list[Incoming]:
    """What the relay publishes now: the ledger's words, with their numbers."""
    cursor = await conn.execute(f"SELECT seq, {WHOLE} FROM pending JOIN facts f USING (seq) ORDER BY seq")
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


async def bring(conn: Conn, applier: Reader, way: str, *events: Event) -> None:
    if way == "http":
        await accept(conn, *events)
        await applier.apply(await relayed(conn))
    else:
        await applier.apply(straight(*events))


@pytest.mark.parametrize("way", ["http", "kafka"])
async def test_poison_is_set_aside_uncounted_and_applied_once_mended(
    database_url: str, conn: Conn, applier: Reader, way: str
):
    await conn.execute(REFUSE)
    await bring(
        conn, applier, way, opened(), target("t"), hired("c1"), hired("poison", id="poison"), hired("c2"), hired("c3")
    )
    (letter,) = await dead_letters.listed(conn)
    assert json.loads(letter.value)["id"] == "poison"
    assert letter.reason.startswith("can't be applied: UnusableValue")
    assert await progress(conn) == [3]
    report = await audited(database_url)
    assert (report.drift, report.unapplied) == (0, 0)
    await conn.execute(MEND)
    assert await _retry(conn, letter.id or 0) == (True, "posted again")
    await applier.apply(await relayed(conn))
    assert await progress(conn) == [4]
    assert (await audited(database_url)).drift == 0


async def test_a_record_that_names_a_fact_which_waits_here_leaves_it_alone(conn: Conn, applier: Reader):
    await accept(conn, hired("c1"))
    (sent,) = await relayed(conn)
    await conn.execute(REFUSE)
    forged = message(json.dumps(hired("poison")).encode(), 0, sent.seq)
    done = await applier.apply([message(b"garbage", 0, sent.seq), forged])
    assert [letter.value for letter in done.dead_letters] == [b"garbage", forged.value]
    assert await relayed(conn) == [sent]
    assert (await applier.apply([sent])).facts == 1


async def test_a_waiting_fact_that_cant_be_applied_leaves_the_ledger(conn: Conn, applier: Reader):
    await conn.execute(REFUSE)
    await accept(conn, hired("poison"))
    sent = await relayed(conn)
    assert [letter.value for letter in (await applier.apply(sent)).dead_letters] == [sent[0].value]
    assert await (await conn.execute("SELECT count(*) FROM facts")).fetchone() == (0,)


async def test_a_fact_of_a_type_that_only_a_later_version_knows_is_left_waiting(conn: Conn, applier: Reader):
    await accept(conn, hired("c1"))
    await conn.execute("UPDATE facts SET type = 'hire.praised'")
    sent = await relayed(conn)
    done = await applier.apply(sent)
    assert (done.facts, done.dead_letters) == (0, [])
    assert await relayed(conn) == sent


@pytest.mark.parametrize("fault", [MemoryError(), OSError(28, "No space left on device"), KeyError("a mistake")])
async def test_what_is_no_fault_of_a_record_buries_none(
    conn: Conn, applier: Reader, monkeypatch: pytest.MonkeyPatch, fault: Exception
):
    async def broken(*args: Any) -> None:
        raise fault

    monkeypatch.setattr("storage.journeys.journeys.store", broken)
    with pytest.raises(type(fault)):
        await applier.apply(straight(target("t"), hired("c1")))
    assert await dead_letters.listed(conn) == []
    assert await positions.read(conn, LOG, [0]) == {0: 0}


async def test_a_batch_that_does_not_begin_where_its_log_stands_writes_nothing(conn: Conn, applier: Reader):
    first = straight(target("t"), hired("c1"))
    await applier.apply(first)
    assert await positions.read(conn, LOG, [0]) == {0: 2}
    await positions.move(conn, LOG, {0: (2, 5)})  # as another worker would
    with pytest.raises(Fenced):
        await applier.apply(straight(hired("c2")))
    assert await progress(conn) == [1]
    assert await positions.read(conn, LOG, [0]) == {0: 5}


async def test_a_retried_letter_that_is_known_already_says_so(conn: Conn, applier: Reader):
    given = hired("c1", id="twice")
    await applier.apply(straight(target("t"), given))
    await dead_letters.bury(conn, [straight(given)[0].dead("a bug, mended")])
    (letter,) = await dead_letters.listed(conn)
    assert await _retry(conn, letter.id or 0) == (True, "known already, so nothing was left to post")
    assert await dead_letters.listed(conn) == []
    assert await relayed(conn) == []


async def test_a_signup_published_again_after_its_erasure_is_no_dead_letter(conn: Conn, applier: Reader):
    await accept(conn, signed_up("c1", email="li@example.com"))
    before = await relayed(conn)
    await applier.apply(straight(event("candidate.erased", candidate="c1")))
    after = await relayed(conn)
    assert "name" not in json.loads(after[0].value or b"")["data"]
    for sent in (after, after, before, after + before):
        assert (await applier.apply(sent)).dead_letters == []
    assert await (await conn.execute("SELECT count(*) FROM facts")).fetchall() == [(2,)]
    assert await relayed(conn) == []


async def test_a_message_with_a_number_of_another_ledger_is_taken_for_what_it_says(conn: Conn, applier: Reader):
    await accept(conn, hired("c1"))
    (sent,) = await relayed(conn)
    old = message(json.dumps(hired("c2")).encode(), 1, sent.seq)
    garbage = message(b"garbage", 2, sent.seq)
    done = await applier.apply([old, garbage, sent])
    assert (done.facts, [letter.value for letter in done.dead_letters]) == (2, [b"garbage"])
    assert await (await conn.execute("SELECT candidate FROM journeys ORDER BY 1")).fetchall() == [("c1",), ("c2",)]


async def test_a_batch_that_takes_too_long_is_halved(
    database_url: str, conn: Conn, applier: Reader, monkeypatch: pytest.MonkeyPatch
):
    """Each journey takes its time; many together take longer than a statement may."""
    monkeypatch.setitem(LIMITS, "test", Limits(statement=0.5, lock=5, idle=10, silence=10))
    await conn.execute(
        """
        CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(0.1); RETURN NEW; END $$;
        CREATE TRIGGER slow BEFORE INSERT ON journeys FOR EACH ROW EXECUTE FUNCTION slow();
        """
    )
    done = await applier.apply(straight(target("t"), *[hired(f"c{n}") for n in range(10)]))
    assert (done.facts, done.dead_letters) == (11, [])
    assert await progress(conn) == [10]


def first_steps(count: int, *, prefix: str) -> list[Incoming]:
    """A large batch of signups, each of which asks for a message."""
    return straight(*(signed_up(f"{prefix}{n}", id=f"{prefix}{n}", fair="f1") for n in range(count)))


async def numbers_of(conn: Conn) -> tuple[int, int]:
    row = await (
        await conn.execute("SELECT (SELECT count(*) FROM facts), (SELECT count(candidate) FROM messages)")
    ).fetchone()
    assert row
    return row[0], row[1]


@pytest.mark.parametrize("known", [1, 100, 299, 300])
async def test_a_large_batch_of_which_some_is_known_counts_it_once(conn: Conn, applier: Reader, known: int):
    await applier.apply(straight(opened(), target("graduates", "signed_up")))
    batch = first_steps(300, prefix="c")
    assert (await applier.apply(batch[:known])).facts == known
    assert (await applier.apply(batch)).facts == 300 - known
    facts, asked = await numbers_of(conn)
    assert facts == 302
    assert asked == 300
    assert await progress(conn) == [300]
    assert (await audit(conn)).drift == 0


async def test_a_large_batch_asks_no_second_time_for_what_was_asked_for_by_other_facts(conn: Conn, applier: Reader):
    await applier.apply(straight(opened()))
    await applier.apply(first_steps(300, prefix="c"))
    again = straight(*(signed_up(f"c{n}", id=f"again-{n}", fair="f1") for n in range(300)))
    assert (await applier.apply(again)).facts == 300
    assert await numbers_of(conn) == (601, 300)
    assert (await audit(conn)).drift == 0


async def test_a_reason_that_comes_twice_in_one_large_batch_asks_once(conn: Conn, applier: Reader):
    await applier.apply(straight(opened()))
    twice = [signed_up(f"c{n}", id=f"{word}-{n}", fair="f1") for word in ("one", "two") for n in range(150)]
    assert (await applier.apply(straight(*twice))).facts == 300
    assert await numbers_of(conn) == (301, 150)


def test_what_was_found_known_is_not_supposed_new_for_a_while_and_then_for_longer():
    novelty, large = Novelty(), FEW + 1
    assert novelty.is_supposed(large)
    assert not novelty.is_supposed(FEW)
    wary = []
    for _ in range(8):
        novelty.refute()
        wary.append(0)
        while not novelty.is_supposed(large):
            novelty.note(FEW, supposed=False)  # small ones tell nothing
            novelty.note(large, supposed=False)
            wary[-1] += 1
    assert wary == [8, 16, 32, 64, 128, 256, 256, 256]
    novelty.note(large, supposed=True)
    novelty.refute()
    for _ in range(8):
        assert not novelty.is_supposed(large)
        novelty.note(large, supposed=False)
    assert novelty.is_supposed(large)


async def test_known_facts_let_what_is_asked_for_be_supposed_new_all_the_same(
    conn: Conn, applier: Reader, monkeypatch: pytest.MonkeyPatch
):
    supposed = []

    async def watched(*args: Any, **kwargs: Any) -> Applied:
        supposed.append(tuple(kwargs["supposed"]))
        return await apply_batch(*args, **kwargs)

    monkeypatch.setattr("streams.applier.apply_batch", watched)
    await applier.apply(straight(opened()))
    await applier.apply((batch := first_steps(600, prefix="c"))[:300])
    await applier.apply(batch[100:500])
    await applier.apply(batch[300:])
    assert supposed == [(False, False), (True, True), (True, True), (False, True), (False, True)]
    assert await numbers_of(conn) == (601, 600)


@pytest.mark.parametrize("table", ["journeys", "facts"])
async def test_what_nobody_supposed_new_is_a_conflict_where_it_is_there(conn: Conn, applier: Reader, table: str):
    """Another worker came first, once, to a row of a table of which nothing, or nothing any more, is supposed."""
    await applier.apply(straight(opened()))
    await applier.apply(known := first_steps(300, prefix="c"))
    await applier.apply(known)  # from here on, no fact is supposed to be new
    await conn.execute(
        f"""
        CREATE SEQUENCE tries;
        CREATE FUNCTION collide() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            IF nextval('tries') <= 2 THEN RAISE unique_violation USING TABLE = '{table}'; END IF;
            RETURN NEW;
        END $$;
        CREATE TRIGGER collide BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION collide();
        """
    )
    assert (await applier.apply(first_steps(300, prefix="d"))).facts == 300
    assert applier.conflicts == 2
    assert await numbers_of(conn) == (601, 600)
