"""What the system itself says on topics: once, by one worker, and of targets only what changed."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from schemas.asyncapi import emitted_schema
from schemas.emitted import EMITTED
from schemas.errors import BrokerUnavailable
from schemas.messages import TARGET_AT_RISK, MessageRequest
from storage import messages
from storage.campaigns import announcements
from storage.database import Conn, connect
from storage.ledger.positions import Log
from storage.ledger.restoring import put_in_order
from storage.messages.statuses import StatusChange, move
from streams.apply import apply_batch
from streams.intake import Incoming
from streams.telling import Teller, Telling
from tests.facts import event, hired, opened, signed_up, target

NOW = datetime(2026, 12, 1, tzinfo=UTC)
RISK = {
    "target": "t",
    "title": "T",
    "progress": 1.0,
    "goal": 9.0,
    "expected": 5,
    "percent": 11,
    "due_on": "2026-12-31",
    "days_left": 30,
}


class Broker:
    """Takes what it is told; `refuses` so many events first."""

    def __init__(self, refuses: int = 0) -> None:
        self.events: list[dict[str, Any]] = []
        self.refuses = refuses

    async def __call__(self, topic: str, key: str, value: bytes, headers: dict[str, str]) -> None:
        if self.refuses:
            self.refuses -= 1
            raise BrokerUnavailable("away")
        said = json.loads(value)
        row = EMITTED[said["type"]]
        assert topic == row.topic
        assert key.startswith(("c/", "grads-2026/"))
        Draft202012Validator(emitted_schema(row)).validate(said)
        self.events.append(said)

    def told(self, kind: str) -> list[dict[str, Any]]:
        return [each["data"] for each in self.events if each["type"] == kind]


async def apply(conn: Conn, *events: dict[str, Any]) -> None:
    batch = [Incoming("yinfeng.facts", 0, n, None, json.dumps(e).encode(), ()) for n, e in enumerate(events)]
    await apply_batch(conn, batch, now=NOW)


def teller(conn: Conn, broker: Broker) -> Teller:
    return Teller(conn, broker, clock=lambda: NOW)


async def test_a_milestone_is_told_once_also_by_a_worker_that_comes_later(conn: Conn):
    await apply(conn, opened(), target("t", goal=4), hired("c1"))
    first, second = Broker(), Broker()
    await teller(conn, first).tell()
    await teller(conn, second).tell()
    assert [each["percent"] for each in first.told("target.milestone_reached")] == [25]
    assert second.told("target.milestone_reached") == []
    assert [each["progress"] for each in second.told("target.progressed")] == [1]


async def test_how_far_a_target_has_come_is_told_again_under_the_same_id_and_under_another_once_it_is_otherwise(
    conn: Conn,
):
    """Also where a database that was put back counts the same revision again for something else."""
    await apply(conn, opened(), target("t", goal=4), hired("c1"))
    brokers = [Broker() for _ in range(3)]
    for n, broker in enumerate(brokers):
        await Teller(conn, broker, clock=lambda n=n: NOW + timedelta(seconds=n)).tell()
        if n == 1:
            await conn.execute("UPDATE targets SET progress = 2")
    ids = [each["id"] for broker in brokers for each in broker.events if each["type"] == "target.progressed"]
    assert ids[0] == ids[1] != ids[2]


async def test_who_goes_by_ids_knows_how_far_a_target_has_come_once_a_copy_was_restored(conn: Conn):
    """Also where nothing changed since the copy but what is lost: all that is told of it has been told before."""
    await apply(conn, opened(), target("t", goal=4), hired("c1"))
    copy = await (await conn.execute("SELECT progress, revision FROM targets")).fetchone()
    known = await known_to_a_listener(conn, {})
    await apply(conn, hired("c2"))
    known = await known_to_a_listener(conn, known)
    assert [*known.values()][-1]["progress"] == 2

    await conn.execute("UPDATE targets SET progress = %s, revision = %s", copy)
    await conn.execute("SELECT setval('revisions', %s)", copy[1:])
    await put_in_order(conn, NOW, Log("k", "yinfeng.facts", "0"), {}, {})
    known = await known_to_a_listener(conn, known)
    assert [*known.values()][-1]["progress"] == 1


async def known_to_a_listener(conn: Conn, known: dict[str, Any]) -> dict[str, Any]:
    """What somebody knows of targets who drops what was told before under the same id, the latest last."""
    broker = Broker()
    await teller(conn, broker).tell()
    told = {each["id"]: each["data"] for each in broker.events if each["type"] == "target.progressed"}
    return known | {id: data for id, data in told.items() if id not in known}


async def test_what_the_broker_did_not_take_is_told_later_under_the_same_id(conn: Conn):
    await apply(conn, opened(), target("t", goal=1), hired("c1"))
    broker = Broker(refuses=1)
    with pytest.raises(BrokerUnavailable):
        await teller(conn, broker).tell()
    await teller(conn, broker).tell()
    reached = [each for each in broker.events if each["type"] == "target.milestone_reached"]
    assert {each["data"]["percent"] for each in reached} == {25, 50, 75, 90, 100}
    assert len({each["id"] for each in reached}) == 5


async def test_only_what_changed_is_read_and_told(conn: Conn):
    await apply(conn, opened(), target("t", goal=9), target("u", goal=9, where={"school": ["x"]}, id="u"))
    broker = Broker()
    telling = teller(conn, broker)
    await telling.tell()
    broker.events.clear()
    _, since = await announcements.changed(conn, None)
    await apply(conn, hired("c1"))
    rows, _ = await announcements.changed(conn, since)
    assert [row["target"] for row in rows] == ["t"]
    await telling.tell()
    assert [(each["target"], each["progress"]) for each in broker.told("target.progressed")] == [("t", 1)]
    broker.events.clear()
    await telling.tell()
    assert broker.events == []


async def test_a_change_that_is_committed_after_a_later_one_is_not_missed(conn: Conn, database_url: str):
    await apply(conn, opened(), target("t", goal=9), target("u", goal=9, id="u"))
    broker = Broker()
    telling = teller(conn, broker)
    await telling.tell()
    broker.events.clear()
    update = "UPDATE targets SET progress = progress + 1, revision = nextval('revisions') WHERE target = %s"
    async with await connect(database_url, name="test") as slow:
        await slow.execute("BEGIN")
        await slow.execute(update, ["t"])
        await conn.execute(update, ["u"])
        await telling.tell()
        assert [each["target"] for each in broker.told("target.progressed")] == ["u"]
        await slow.execute("COMMIT")
    await telling.tell()
    assert [each["target"] for each in broker.told("target.progressed")] == ["u", "t"]


async def test_a_target_that_is_withdrawn_is_told(conn: Conn):
    await apply(conn, opened(), target("t", goal=9))
    await apply(conn, event("target.withdrawn", target="t"))
    broker = Broker()
    await teller(conn, broker).tell()
    assert [each["target"] for each in broker.told("target.withdrawn")] == ["t"]


async def test_a_target_at_risk_is_told_once_for_its_reason(conn: Conn):
    await messages.request(conn, [MessageRequest(TARGET_AT_RISK, "risk:1", "c", None, RISK)])
    await messages.request(conn, [MessageRequest(TARGET_AT_RISK, "risk:1", "c", None, RISK)])
    broker = Broker()
    await teller(conn, broker).tell()
    assert broker.told("target.at_risk") == [{**RISK, "campaign": "c"}]


async def test_what_became_of_a_message_is_told_once(conn: Conn):
    await apply(conn, opened(), signed_up("c1", email="c1@example.com"))
    row = await (await conn.execute("SELECT id, campaign FROM messages")).fetchone()
    assert row
    await conn.execute("UPDATE messages SET status = 'claimed'")
    await move(
        conn, [StatusChange(row[0], "sent", "outcome", None), StatusChange(row[0], "delivered", "provider", None)]
    )
    broker = Broker()
    await teller(conn, broker).tell()
    await teller(conn, broker).tell()
    assert [each["status"] for each in broker.told("message.sent") + broker.told("message.delivered")] == [
        "sent",
        "delivered",
    ]
    told = broker.told("message.sent")[0]
    assert (told["message"], told["campaign"], told["candidate"], told["kind"]) == (*row, "c1", "signup_confirmation")
    assert "example.com" not in json.dumps(broker.events)


async def test_of_two_workers_one_tells(conn: Conn, database_url: str):
    brokers = [Broker(), Broker()]
    tasks = [
        asyncio.create_task(Telling(database_url, broker, holder=f"w{n}", interval=0.01, clock=lambda: NOW).run())
        for n, broker in enumerate(brokers)
    ]
    await apply(conn, opened(), target("t", goal=4), hired("c1"))
    await announcements.ring(conn)
    async with asyncio.timeout(20):
        while not any(broker.told("target.progressed") for broker in brokers):
            await asyncio.sleep(0.05)
    await asyncio.sleep(0.3)
    for task in tasks:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
    assert sorted(len(broker.told("target.milestone_reached")) for broker in brokers) == [0, 1]
    assert sorted(bool(broker.events) for broker in brokers) == [False, True]
