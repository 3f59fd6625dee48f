"""A micro-batch applied to a real Postgres: what it leaves in ledger, journeys, targets and messages."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

import psycopg
import pytest

import storage
from schemas.errors import ConcurrentChange, UnusableValue
from storage.database import Conn, connect
from storage.ledger import ledger
from storage.ledger.events import WHOLE
from streams.apply import apply_batch
from streams.audit import audit
from tests.facts import event, facts, hired, opened, retraction, signed_up, target
from tests.integration.applying import NOW, apply, incoming, progress, rows
from tests.plain_journeys import texts


async def test_facts_over_kafka_are_counted_once(conn: Conn):
    batch = [opened(), target("t"), signed_up("c1"), hired("c1"), hired("c2")]
    assert (await apply(conn, *batch, *batch)).facts == 5
    assert (await apply(conn, *batch)).facts == 0
    assert await progress(conn) == {"t": 2}


async def test_a_target_set_late_counts_what_already_happened(conn: Conn):
    await apply(conn, hired("c1"), hired("c2", employer="other"))
    await apply(conn, target("all"), target("theirs", where={"employer": ["huayou"]}))
    assert await progress(conn) == {"all": 2, "theirs": 1}


async def test_a_changed_target_counts_anew_and_a_withdrawn_one_goes(conn: Conn):
    await apply(conn, target("t"), target("gone"), hired("c1"), hired("c2", employer="other"))
    await apply(
        conn,
        target("t", where={"employer": ["other"]}, time="2026-04-01T00:00:00Z"),
        event("target.withdrawn", target="gone", time="2026-04-01T00:00:00Z"),
        hired("c3", employer="other"),
    )
    assert await progress(conn) == {"t": 2}


async def test_a_retraction_takes_back_what_was_counted_and_what_comes_later(conn: Conn):
    await apply(conn, target("t"), hired("c1", id="h1"))
    await apply(
        conn,
        event("fact.retracted", candidate="c1", source="/hr/test", id="r1")
        | {"data": {"campaign": "grads-2026", "source": "/hr/test", "id": "h1", "reason": "wrong"}},
    )
    assert await progress(conn) == {"t": 0}
    early = event("fact.retracted") | {
        "data": {"campaign": "grads-2026", "source": "/hr/test", "id": "h2", "reason": "wrong"}
    }
    await apply(conn, early)
    await apply(conn, hired("c2", id="h2"))
    assert await progress(conn) == {"t": 0}


async def test_who_adds_to_a_target_waits_for_its_row_last_of_all(conn: Conn, database_url: str):
    """What a sequence gave out is seen by others before the commit."""
    await apply(conn, opened(), target("t"))
    async with await connect(database_url, name="test") as other, await connect(database_url, name="test") as look:
        async with other.transaction():
            await other.execute("SELECT FROM targets FOR UPDATE")
            waits = asyncio.create_task(apply(conn, hired("c1")))
            async with asyncio.timeout(20):
                while not await rows(look, "SELECT FROM pg_locks WHERE NOT granted"):
                    await asyncio.sleep(0.02)
            assert await rows(look, "SELECT count(*) FROM messages") == [(0,)]
            assert await rows(look, "SELECT is_called FROM messages_id_seq") == [(True,)]
        await waits
    assert await progress(conn) == {"t": 1}


async def test_a_retracted_target_is_as_if_never_set(conn: Conn):
    await apply(conn, target("t", id="old"), target("t", goal=5, id="new", time="2026-05-01T00:00:00Z"), hired("c1"))
    await apply(
        conn,
        event("fact.retracted")
        | {"data": {"campaign": "grads-2026", "source": "/hr/test", "id": "new", "reason": "typo"}},
    )
    assert await rows(conn, "SELECT goal::int, progress::int FROM targets") == [(100, 1)]


async def test_the_ledgers_word_stands_over_what_the_message_says(conn: Conn):
    (fact,) = facts([hired("c1", id="h1")])
    assert (await ledger.append(conn, [fact], posted_by="k")).keys() == {fact.identity}
    await apply(conn, target("t"), hired("c2", id="h1"))
    assert await rows(conn, "SELECT candidate FROM journeys") == [("c1",)]
    assert await rows(conn, "SELECT count(*) FROM pending") == [(0,)]


@pytest.mark.parametrize(
    ("said", "straight", "waits"),
    [
        ([signed_up("c1"), hired("c2")], [], "off"),
        ([signed_up("c1")], [hired("c2")], "on"),
        ([], [hired("c2")], "on"),
        ([signed_up("c1"), event("candidate.erased", candidate="c1")], [], "on"),
        ([signed_up("c1"), target("t")], [], "on"),
    ],
)
async def test_a_commit_waits_for_the_disk_save_of_what_the_ledger_has_and_can_be_done_again(
    conn: Conn, said: list[Any], straight: list[Any], waits: str
):
    await ledger.append(conn, facts(said), posted_by="k")
    published = await rows(conn, f"SELECT seq, {WHOLE} FROM facts f ORDER BY seq")
    batch = [each for seq, text in published for each in incoming(text.encode(), seq=seq)] + incoming(*straight)
    async with conn.transaction():
        assert (await apply_batch(conn, batch, now=NOW)).facts == len(said) + len(straight)
        assert await rows(conn, "SELECT current_setting('synchronous_commit')") == [(waits,)]
    assert await rows(conn, "SELECT current_setting('synchronous_commit')") == [("on",)]


async def test_the_relays_number_is_tried_never_trusted(conn: Conn):
    (fact,) = facts([hired("c1", id="h1")])
    await ledger.append(conn, [fact], posted_by="k")
    ((seq,),) = await rows(conn, "SELECT seq FROM facts")
    done = await apply_batch(conn, incoming(b"not even json", seq=seq), now=NOW)
    assert (done.facts, len(done.dead_letters)) == (0, 1)
    assert await rows(conn, "SELECT seq FROM pending") == [(seq,)]
    await apply_batch(conn, incoming(hired("c9"), seq=seq + 1000), now=NOW)
    assert await rows(conn, "SELECT candidate FROM journeys") == [("c9",)]


async def test_what_is_no_fact_goes_to_the_dead_letters_and_the_rest_goes_on(conn: Conn):
    done = await apply(conn, b"\xff\x00", target("t"), {"id": 3}, hired("c1"))
    assert done.facts == 2
    assert await progress(conn) == {"t": 1}
    letters = await rows(conn, 'SELECT topic, partition, "offset", value, reason FROM dead_letters ORDER BY 3')
    assert [(t, p, o, v) for t, p, o, v, _ in letters] == [
        ("yinfeng.facts", 0, 0, b"\xff\x00"),
        ("yinfeng.facts", 0, 2, b'{"id": 3}'),
    ]
    assert "source: is required" in letters[1][4]


async def test_each_milestone_is_reached_once(conn: Conn):
    await apply(conn, target("t", goal=4, id="t"))
    await apply(conn, *[hired(f"c{n}") for n in range(2)])
    await apply(
        conn,
        event(
            "hire.ended",
            candidate="c1",
            employer="huayou",
            ended_on="2026-08-01",
            time="2026-08-01T00:00:00Z",
        ),
    )
    await apply(conn, *[hired(f"d{n}") for n in range(3)])
    assert await rows(conn, "SELECT percent FROM milestones ORDER BY 1") == [
        (25,),
        (50,),
        (75,),
        (90,),
        (100,),
    ]
    kinds = await rows(conn, "SELECT kind, count(*) FROM messages WHERE candidate IS NULL GROUP BY 1 ORDER BY 1")
    assert kinds == [("milestone", 4), ("target_reached", 1)]


async def test_one_message_for_one_reason(conn: Conn):
    offer = {"candidate": "c1", "offer": "o1", "employer": "huayou", "position": "Engineer"}
    await apply(
        conn,
        signed_up("c1", fair="f1"),
        signed_up("c1", fair="f2"),
        event("offer.extended", **offer),
        hired("c1"),
    )
    await apply(
        conn,
        signed_up("c1", fair="f1"),
        event("offer.extended", **offer),
        event("offer.extended", **offer, city="Quzhou"),
    )
    assert await rows(conn, "SELECT kind, count(*) FROM messages GROUP BY 1 ORDER BY 1") == [
        ("benefit_available", 1),
        ("offer", 2),
        ("signup_confirmation", 2),
        ("welcome", 1),
    ]


async def test_an_erasure_leaves_the_milestones_and_nothing_of_the_person(conn: Conn):
    await apply(
        conn,
        target("t"),
        target("doctors", where={"education": ["doctor"]}),
        signed_up("c1", name="李雷", email="li@example.com", education="doctor"),
        hired("c1"),
    )
    await apply(conn, event("candidate.erased", candidate="c1"))
    await apply(conn, signed_up("c1", name="李雷", phone="+86 138 0000 0000"))
    assert await progress(conn) == {"t": 1, "doctors": 1}
    dumped = await rows(
        conn,
        "SELECT event::text FROM facts UNION ALL SELECT params::text FROM messages "
        "UNION ALL SELECT p::text FROM vault.person p",
    )
    dumped += [(text,) for text in await texts(conn)]
    assert not [text for (text,) in dumped if "李雷" in text or "li@example" in text or "138 0000" in text]
    assert not [text for (text,) in dumped if "sealed" in text]


async def test_fairs_count_when_they_have_ended(conn: Conn):
    fair = {
        "title": "F",
        "mode": "onsite",
        "starts_at": "2026-05-01T09:00:00+08:00",
        "ends_at": "2026-05-01T17:00:00+08:00",
    }
    later = {**fair, "starts_at": "2026-07-01T09:00:00+08:00", "ends_at": "2026-07-01T17:00:00+08:00"}
    await apply(
        conn,
        target("fairs", measure="fairs_held"),
        event("fair.scheduled", fair="a", **fair),
        event("fair.scheduled", fair="b", **fair),
        event("fair.scheduled", fair="c", **later),
        event("fair.cancelled", fair="b", time="2026-04-01T00:00:00Z"),
    )
    assert await progress(conn) == {"fairs": 1}


async def test_money_adds_up_to_the_cent(conn: Conn):
    paid = [event("benefit.paid", candidate="c1", benefit=f"b{n}", kind="rent_subsidy", amount=0.1) for n in range(3)]
    await apply(conn, target("paid", measure="paid"), *paid)
    assert await rows(conn, "SELECT progress::text FROM targets") == [("0.3",)]


async def test_a_failed_batch_leaves_nothing(conn: Conn, monkeypatch: pytest.MonkeyPatch):
    async def broken(*args: Any) -> None:
        raise psycopg.DataError("no")

    monkeypatch.setattr("storage.journeys.journeys.store", broken)
    with pytest.raises(UnusableValue):
        await apply(conn, target("t"), hired("c1"))
    assert await rows(conn, "SELECT (SELECT count(*) FROM facts) + (SELECT count(*) FROM targets)") == [(0,)]


async def test_the_audit_finds_nothing_to_say_about_what_was_applied(conn: Conn, database_url: str):
    await apply(
        conn,
        opened(),
        target("t"),
        target("fairs", measure="fairs_held"),
        signed_up("c1"),
        hired("c1", id="h1"),
        hired("c2"),
    )
    await apply(
        conn,
        event("fact.retracted") | {"data": {"campaign": "grads-2026", "source": "/hr/test", "id": "h1", "reason": "x"}},
    )
    async with await connect(database_url, name="audit") as reader:
        report = await audit(reader)
    assert (report.drift, report.differences) == (0, [])
    assert (report.journeys, report.targets, report.facts) == (2, 2, 7)


async def test_a_fact_that_was_retracted_before_it_came_is_no_drift(conn: Conn, database_url: str):
    await apply(conn, opened(), retraction("late"))
    await apply(conn, signed_up("c1", id="late"))
    async with await connect(database_url, name="audit") as reader:
        report = await audit(reader)
    assert (report.drift, report.differences) == (0, [])


@pytest.mark.parametrize(
    ("tampering", "told"),
    [
        (
            "UPDATE targets SET progress = 7 WHERE target = 't'",
            "target grads-2026/t: stored 7 but its facts make 2",
        ),
        ("UPDATE target_days SET amount = 3", "target grads-2026/t: its days differ"),
        ("DELETE FROM journeys WHERE candidate = 'c1'", "journey grads-2026/c1: stored None"),
        (
            (
                "INSERT INTO journeys (campaign, candidate, version, drawn, tagged, state, standing, employers)"
                """ VALUES ('grads-2026', 'c0', 1, 1, 1, '{"erased":true}', '{}', '{}')"""
            ),
            "journey grads-2026/c0: stored",
        ),
        ("UPDATE journeys SET state = '{}' WHERE candidate = 'c2'", "journey grads-2026/c2: stored"),
        ("DELETE FROM targets", "target grads-2026/t: set by a fact, but not stored"),
    ],
)
async def test_the_audit_names_what_differs(conn: Conn, database_url: str, tampering: str, told: str):
    await apply(conn, target("t"), hired("c1"), hired("c2"))
    await conn.execute(tampering)
    async with await connect(database_url, name="audit") as reader:
        report = await audit(reader)
    assert report.drift == len(report.differences) > 0
    assert any(line.startswith(told) for line in report.differences)


def test_arrays_travel_in_binary_or_as_literals_of_ours():
    """As text, psycopg escapes every element with a regular expression: a hundred times the work."""
    sources = {path: path.read_text() for path in Path(storage.__file__).parent.rglob("*.py")}
    assert len(sources) > 40
    as_text = {path for path, source in sources.items() if re.search(r"%(\(\w+\))?s::\w+\[\]", source)}
    ours = {path for path in as_text if path.name == "arrays.py" or "from storage.arrays import" in sources[path]}
    assert as_text == ours


async def test_an_employer_is_called_as_the_latest_word_says(conn: Conn):
    await apply(conn, event("employer.set", id="1", employer="huayou", name="华友"), opened())
    await apply(conn, event("employer.set", id="2", employer="huayou", name="华友钴业", time="2026-04-01T00:00:00Z"))
    await apply(conn, event("employer.set", id="3", employer="beta", name="贝塔"))
    named = "SELECT employer, name FROM employers ORDER BY employer"
    assert await rows(conn, named) == [("beta", "贝塔"), ("huayou", "华友钴业")]
    await apply(conn, retraction("2"), retraction("3"))
    assert await rows(conn, named) == [("huayou", "华友")]


async def test_a_milestone_that_others_brought_near_meanwhile_is_a_conflict_and_told_once(database_url: str):
    async with await connect(database_url, name="worker") as one, await connect(database_url, name="worker") as other:
        await apply(one, opened(), target("t", goal=8))
        held = asyncio.Event()

        async def holding() -> None:
            async with one.transaction():
                await one.execute("UPDATE targets SET progress = progress + 1")
                held.set()
                await _until_somebody_waits(database_url)

        holder = asyncio.create_task(holding())
        await held.wait()
        with pytest.raises(ConcurrentChange, match="milestone"):
            await apply(other, hired("c1"))
        await holder
        assert await rows(other, "SELECT count(*) FROM journeys") == [(0,)]
        assert await rows(other, "SELECT progress FROM targets") == [(1,)]
        await apply(other, hired("c1"))
        await apply(other, hired("c2"))
        assert await rows(one, "SELECT params->>'percent' FROM messages WHERE kind = 'milestone'") == [("25",)]


async def test_a_sum_of_more_digits_than_decimals_keep_comes_to_its_milestone_once(conn: Conn):
    """Postgres keeps them all: where this process thought otherwise, it would repeat the batch for ever."""
    await apply(conn, opened(), target("t", "paid", goal=1000))
    for n, amount in enumerate((249.9999999999999, 9.99999999999999e-14, 1, 1)):
        paid = event("benefit.paid", candidate=f"c{n}", benefit="b", kind="rent_subsidy", amount=amount)
        await apply(conn, signed_up(f"c{n}"), paid)
    assert await rows(conn, "SELECT params->>'percent' FROM messages WHERE kind = 'milestone'") == [("25",)]


async def _until_somebody_waits(database_url: str) -> None:
    waits = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    async with await connect(database_url, name="look") as look:
        while await rows(look, waits) == [(0,)]:
            await asyncio.sleep(0.01)
