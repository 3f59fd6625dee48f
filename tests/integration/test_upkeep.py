"""What a worker tells of itself, and what it takes away in time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from schemas.facts import validate_event
from schemas.settings import load_settings
from storage import beats, statistics
from storage.beats import Beat
from storage.database import Conn
from storage.ledger import ledger, positions, retention
from storage.ledger.positions import Log
from storage.messages import counting
from storage.overview import overview
from storage.revision import latest
from storage.vault import in_clear
from storage.vault.accepting import accept
from streams import upkeep
from streams.persisting import Persistence
from streams.upkeep import SEAL_AFTER, Upkeep
from tests.facts import signed_up
from yinfeng.web.metrics import render

OLD = "now() - interval '100 days'"


async def test_facts_are_counted_after_postgres_lost_its_statistics(conn: Conn):
    """As it does when it is killed."""
    async with conn.transaction():
        await accept(conn, [validate_event(signed_up(f"c{n}", id=f"s{n}")) for n in range(300)], posted_by="key:1")
    await conn.execute("ANALYZE facts")
    await conn.execute("SELECT pg_stat_reset()")
    assert (await overview(conn)).facts == 300


async def test_what_came_since_postgres_counted_is_counted_anew_once_it_lost_its_statistics(conn: Conn):
    for begin, end in ((0, 300), (300, 3000)):
        facts = [validate_event(signed_up(f"c{n}", id=f"s{n}")) for n in range(begin, end)]
        async with conn.transaction():
            await accept(conn, facts, posted_by="key:1")
        if begin == 0:
            await conn.execute("VACUUM ANALYZE facts")
    await conn.execute("SELECT pg_stat_force_next_flush()")
    await conn.execute("SELECT pg_stat_reset()")
    assert "facts" in (await statistics.learn(conn)).counted
    assert (await overview(conn)).facts == 3000
    assert (await statistics.learn(conn)).counted == []


async def test_what_grew_since_it_was_made_is_counted_once_so_that_it_is_not_read_whole(conn: Conn):
    await statistics.learn(conn)  # of what earlier tests left
    await conn.execute("TRUNCATE facts CASCADE")
    assert (await statistics.learn(conn)).counted == []
    async with conn.transaction():
        facts = [validate_event(signed_up(f"c{n}", id=f"s{n}")) for n in range(2000)]
        await accept(conn, facts, posted_by="key:1")
    assert "facts" in (await statistics.learn(conn)).counted
    assert (await statistics.learn(conn)).counted == []


async def test_a_role_that_may_not_have_a_table_counted_is_told_so_once_and_asks_again_in_an_hour(
    conn: Conn, caplog: pytest.LogCaptureFixture
):
    await statistics.learn(conn)  # of what earlier tests left
    await conn.execute("TRUNCATE facts CASCADE")
    async with conn.transaction():
        facts = [validate_event(signed_up(f"c{n}", id=f"s{n}")) for n in range(2000)]
        await accept(conn, facts, posted_by="key:1")
    now: list[float] = [0.0]
    refused: list[str] = []
    conn.add_notice_handler(lambda told: refused.append(str(told.message_primary)))
    aside = Persistence("", name="worker", jitter=lambda: 1.0)
    made = Upkeep(load_settings(), holder="one", works=[], aside=aside, timer=lambda: now[0])
    await conn.execute("CREATE ROLE guest; GRANT USAGE ON SCHEMA public, vault TO guest; SET ROLE guest")
    try:
        for _ in range(3):
            await made.learn(conn)
            now[0] += upkeep.LEARN_EVERY
        assert len(refused) == len(set(refused)) > 0
        now[0] += upkeep.LOOK_AGAIN
        await made.learn(conn)
    finally:
        await conn.execute("RESET ROLE; DROP OWNED BY guest; DROP ROLE guest")
    assert len(refused) == 2 * len(set(refused))
    assert caplog.text.count("GRANT MAINTAIN ON facts") == 1
    now[0] += upkeep.LOOK_AGAIN
    await made.learn(conn)
    assert (await statistics.learn(conn)).counted == []


async def test_metrics_tell_of_partitions_workers_and_gaps(conn: Conn):
    log = Log("c", "yinfeng.facts", "id")
    await conn.execute("INSERT INTO topics VALUES ('yinfeng.facts', 'c', 'id', 1)")
    await positions.begin(conn, log, {0: 5, 1: 7})
    await positions.note_gaps(conn, log, {1: (7, 19)})
    for facts in (3, 8):
        await beats.note(conn, Beat("host:1", facts, 2, 1, committed=5.0, repeats=[(0, 2, 0), (1, 0, 1)]))
    await beats.note(conn, Beat("host:2", 0, 3, 0, repeats=[(0, 3, 0)], lost_senders=4, sender_trouble="ended with 1"))
    await conn.execute("UPDATE topics SET published_at = now() - interval '7 seconds'")
    said = render(await overview(conn)).decode()
    for line in (
        'yinfeng_position{partition="1"} 19.0',
        "yinfeng_gaps 1.0",
        "yinfeng_gap_records 12.0",
        'yinfeng_worker_applied_facts{worker="host:1"} 8.0',
        'yinfeng_worker_conflicts{worker="host:1"} 2.0',
        'yinfeng_partition_conflicts{partition="0"} 5.0',
        'yinfeng_partition_retries{partition="1"} 1.0',
        'yinfeng_worker_last_commit_seconds{worker="host:1"} 5.',
        'yinfeng_worker_lost_senders{worker="host:2"} 4.0',
        "yinfeng_last_published_seconds 7.",
        "yinfeng_notification_queue 0.0",
        "yinfeng_connections",
    ):
        assert line in said


async def test_trouble_with_senders_is_told_while_the_worker_lives(conn: Conn):
    aside = Persistence("", name="worker", jitter=lambda: 1.0)
    made = Upkeep(load_settings(), holder="one", works=[], aside=aside, lost_senders=lambda: (2, "ended with 1"))
    await beats.note(conn, made.beat())
    assert await beats.sender_troubles(conn) == ["ended with 1"]
    await conn.execute("UPDATE beats SET at = now() - interval '2 minutes'")
    assert await beats.sender_troubles(conn) == []
    assert [each.lost_senders for each in await beats.read(conn)] == [2]


class Timers:
    """What an app is given to do, by how often."""

    def __init__(self) -> None:
        self.by_interval: dict[float, Callable[[], Awaitable[None]]] = {}

    def timer(self, every: float) -> Callable[[Callable[[], Awaitable[None]]], None]:
        return lambda work: self.by_interval.update({every: work})


async def test_one_of_several_workers_counts_messages_and_another_once_that_one_is_silent(
    database_url: str, conn: Conn, monkeypatch: pytest.MonkeyPatch
):
    now, counted = [0.0], []
    counting_by = {}

    async def noted(conn: Conn, part: None) -> None:
        counted.append(conn)

    monkeypatch.setattr(upkeep.counting, "count_some", noted)
    for holder in ("one", "two"):
        aside, timers = Persistence(database_url, name="worker", jitter=lambda: 1.0), Timers()
        Upkeep(load_settings(), holder=holder, works=[], aside=aside, timer=lambda: now[0]).attach(timers)
        counting_by[holder] = (timers.by_interval[upkeep.COUNT_EVERY], aside)

    async def who_counts() -> list[str]:
        found = []
        for holder, (count, _) in counting_by.items():
            counted.clear()
            await count()
            found += [holder] * len(counted)
        now[0] += 2 * counting.AGAIN
        return found

    assert [await who_counts(), await who_counts()] == [["one"], ["one"]]
    await conn.execute("UPDATE leases SET holder = 'two', expires_at = now() + interval '1 minute'")  # it was silent
    assert [await who_counts(), await who_counts()] == [["two"], ["two"]]
    for _, aside in counting_by.values():
        await aside.close()


async def test_what_was_kept_long_enough_goes_and_nothing_else(conn: Conn):
    await conn.execute(
        f"""
        INSERT INTO messages (dedupe_key, kind, campaign, params, status, requested_at, sent_at)
        VALUES ('old', 'offer', 'c', '{{}}', 'sent', {OLD}, {OLD}),
               ('doubt', 'offer', 'c', '{{}}', 'unknown', {OLD}, NULL),
               ('new', 'offer', 'c', '{{}}', 'sent', now(), now());
        INSERT INTO message_attempts (message, at, status) SELECT id, requested_at, status FROM messages;
        INSERT INTO mails (message, html, text, at) SELECT id, '', '', requested_at FROM messages;
        INSERT INTO dead_letters (topic, partition, "offset", digest, value, headers, reason, at)
        VALUES ('t', 0, 1, '', '', '{{}}', '', {OLD}), ('t', 0, 2, '', '', '{{}}', '', now());
        """
    )
    days = {"dead_letters": 90, "mails": 90, "mail_attachments": 90, "message_attempts": 90}
    gone = await retention.sweep(conn, days)
    assert gone == {"dead_letters": 1, "mails": 2, "mail_attachments": 0, "message_attempts": 1}
    assert (await retention.sweep(conn, days)) == dict.fromkeys(days, 0)
    kept = await (await conn.execute("SELECT count(*) FROM messages")).fetchone()
    assert kept == (3,)


async def test_whatever_a_worker_does_outlives_a_connection_that_ends(database_url: str):
    persistence = Persistence(database_url, name="worker", jitter=lambda: 1.0)
    left = ["once"]

    async def work(conn: Conn) -> str:
        if left:
            left.pop()
            await conn.execute("SELECT pg_terminate_backend(pg_backend_pid())")
        return "done"

    assert (await persistence.persist(work, of=[3]), persistence.outages) == ("done", 1)
    assert persistence.repeats == {3: [0, 1]}
    await persistence.close()


async def test_a_worker_seals_what_an_earlier_version_left_once_that_is_gone_for_sure(database_url: str, conn: Conn):
    said = validate_event(signed_up("c1", name="李思雨"))
    await ledger.append(conn, [said], posted_by="key:a")  # as an earlier version did: in the clear
    now = [0.0]
    aside = Persistence(database_url, name="worker", jitter=lambda: 1.0)
    made = Upkeep(load_settings(), holder="one", works=[], aside=aside, timer=lambda: now[0])
    for now[0] in (0.0, SEAL_AFTER - 1):
        await made.seal_some(conn)
        assert (await in_clear.count(conn)).facts == 1
    now[0] = SEAL_AFTER + 1
    for _ in range(len(in_clear.PARTS) + 1):
        await made.seal_some(conn)
    assert not await in_clear.count(conn)
    await ledger.append(conn, [validate_event(signed_up("c2", name="李思雨"))], posted_by="key:a")
    await made.seal_some(conn)
    assert (await in_clear.count(conn)).facts == 1, "it looks again in an hour"
    now[0] += SEAL_AFTER + 1
    for _ in range(len(in_clear.PARTS) + 1):
        await made.seal_some(conn)
    assert not await in_clear.count(conn)
    await aside.close()


@pytest.mark.parametrize("left", [None, "0001"])
async def test_what_an_upgrade_leaves_open_stays_so_while_an_earlier_version_runs(conn: Conn, left: str | None):
    """`left`: the revision that the other worker says; none of a version that says none."""
    mine = latest()
    note_open = """INSERT INTO secrets (name, value) SELECT name, convert_to(at::text, 'UTF8')
        FROM (VALUES ('asked_since:still', now() + interval '1 minute'), ('asked_since:over', now() - interval '1 day'),
                     ('events_whole_until', now() + interval '1 minute')) AS v(name, at)"""
    await conn.execute(note_open)
    later = (
        "INSERT INTO breakdown_counts SELECT '', now() + nth * interval '1 minute' FROM generate_series(1, 2) AS nth"
    )
    await conn.execute(later)
    await beats.note(conn, Beat("host:new", 1, 0, 0, revision=mine))
    assert not await beats.hold_open(conn, mine)
    await beats.note(conn, Beat("host:old", 1, 0, 0, revision=left))
    assert await beats.hold_open(conn, mine)
    open_for = """SELECT name FROM secrets WHERE name ~ '^(asked_since:|events_whole_until)'
        AND convert_from(value, 'UTF8')::timestamptz > now() + interval '50 minutes' ORDER BY name"""
    assert await (await conn.execute(open_for)).fetchall() == [("asked_since:still",), ("events_whole_until",)]
    counts = "SELECT due_at > now() + interval '50 minutes' FROM breakdown_counts"
    assert await (await conn.execute(counts)).fetchall() == [(True,)]
    await conn.execute("UPDATE beats SET at = now() - interval '2 minutes' WHERE holder = 'host:old'")
    assert not await beats.hold_open(conn, mine)
