"""One person with several records is written to once, at the address that the latest signup gives."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest

from schemas.errors import ConcurrentChange
from storage.database import connect
from storage.messages.claiming import Claimed, due, take
from storage.messages.told_already import ToldAlready, ToldAsked
from storage.messages.told_already import told as told_already
from storage.vault.export import export
from streams.apply import apply_batch
from streams.audit import audit
from tests.facts import CAMPAIGN, event, opened, signed_up, target
from tests.integration.office import Office
from tests.integration.test_waiting_list import LATER, fair, full, person, told, work
from tests.integration.worlds import message

LATEST = {"time": "2026-05-03T09:00:00+08:00"}
ALREADY = ("cancelled", "told under another id of the same person")


def merged(one: str, into: str, **more: Any) -> dict[str, Any]:
    return event("candidate.merged", candidate=one, into=into, **more)


async def test_what_was_told_under_one_id_is_not_told_under_another(office: Office):
    await office.tell(opened(), fair(office, None), person("a"))
    assert await work(office) == {"a": ["signup_confirmation"]}
    await office.tell(person("b", **LATER), merged("b", "a"))
    assert await work(office) == {"a": ["signup_confirmation"]}
    assert await office.status_of("b") == ALREADY
    await office.tell(event("candidate.unmerged", candidate="b", into="a", **LATEST))
    assert await work(office) == {"a": ["signup_confirmation"], "b": ["signup_confirmation"]}


async def test_of_two_that_wait_one_goes(office: Office):
    await office.tell(opened(), fair(office, None), person("a"))
    await office.tell(person("b", **LATER), merged("b", "a"))
    assert await work(office) == {"a": ["signup_confirmation"]}
    assert await office.status_of("b") == ALREADY


@pytest.mark.parametrize("first", ["a", "b"])
async def test_of_two_that_two_senders_claim_the_one_claimed_first_goes(office: Office, first: str):
    """Whichever was asked for first, and though neither claim is committed when the other one looks."""
    await office.tell(opened(), fair(office, None), person("a"), person("b", **LATER), merged("b", "a"))
    second = "b" if first == "a" else "a"
    async with office.pool.connection() as one, office.pool.connection() as other:
        await office.change(f"UPDATE messages SET not_before = 'infinity' WHERE candidate = '{second}'")
        async with one.transaction():
            [mine] = await due(one, ["signup_confirmation"], limit=2)
            assert await told_already(one, [asked_of(mine, second)]) == {}
            await take(one, [mine], (), channel="mailbox", owner="one", lease=60)

            await office.change("UPDATE messages SET not_before = NULL WHERE not_before IS NOT NULL")

            async def later() -> dict[int, ToldAlready]:
                async with other.transaction():
                    [theirs] = await due(other, ["signup_confirmation"], limit=2)
                    return await told_already(other, [asked_of(theirs, first)])

            waits = asyncio.create_task(later())
            assert not (await asyncio.wait([waits], timeout=0.3))[0]
        assert set((await waits).values()) == {"claimed"}


async def test_what_another_sender_tells_under_another_id_is_waited_for_and_then_told_if_that_never_went(
    office: Office,
):
    await office.tell(opened(), fair(office, None), person("a"), person("b", **LATER), merged("b", "a"))
    async with office.pool.connection() as conn, conn.transaction():
        found = await due(conn, ["signup_confirmation"], limit=2)
        await take(conn, [each for each in found if each.candidate == "b"], (), channel="mailbox", owner="one", lease=0)
    await office.sender().send_all()
    assert await office.status_of("a") == ("requested", "being told under another id of the same person")
    await office.sender().sweep()
    await office.change("UPDATE messages SET not_before = NULL")
    assert len(await work(office)) == 1


def asked_of(message: Claimed, other: str) -> ToldAsked:
    about = {"fair": message.params.get("fair")}
    return ToldAsked(message.id, CAMPAIGN, message.candidate or "", message.kind, (other,), about)


async def test_who_withdrew_in_between_is_told_again(office: Office):
    await office.tell(opened(), fair(office, None), person("a"), merged("b", "a"))
    await work(office)
    await office.tell(
        event("candidate.withdrew", candidate="a", time="2026-04-01T09:00:00+08:00"), person("b", **LATER)
    )
    assert await work(office) == {"a": ["signup_confirmation"], "b": ["signup_confirmation"]}


async def test_mail_goes_to_the_latest_address_whichever_id_it_is_about(office: Office):
    await office.tell(opened(), person("a", email="old@example.com"))
    await office.tell(fair(office, None), person("b", email="new@example.com", **LATER), merged("b", "a"))
    offered = {"employer": "huayou", "position": "Chemist"}
    await office.tell(event("offer.extended", candidate="a", offer="o", **offered, **LATEST))
    await office.sender().send_all()
    [(recipient,)] = await office.rows("SELECT recipient FROM messages WHERE kind = 'offer' AND status = 'sent'")
    assert recipient == "new@example.com"


async def test_who_waited_under_another_id_is_told_of_the_seat_as_one(office: Office):
    await full(office)
    await office.tell(signed_up("z", name="Name c2"), merged("c2", "z"))
    before = await work(office)
    await office.tell(fair(office, 3, **LATER))
    after = await work(office)
    assert after == before | {"z": ["signup_confirmation", "moved_up"]}
    assert await work(office) == await told(office)


async def test_a_second_seat_of_one_person_goes_to_the_next(office: Office):
    await full(office)
    await office.tell(merged("c1", "c0"))
    assert (await work(office))["c2"] == ["waitlisted", "moved_up"]


async def test_what_is_held_about_a_person_is_of_all_their_ids(office: Office):
    await office.tell(opened(), signed_up("a"), signed_up("b", **LATER), merged("b", "a"))
    async with office.pool.connection() as conn:
        for each in ("a", "b"):
            held = await export(conn, CAMPAIGN, each)
            assert held["ids"] == ["a", "b"]
            assert [fact["event"]["type"] for fact in held["facts"]].count("candidate.signed_up") == 2


async def test_two_workers_at_one_person_lose_nothing(office: Office, database_url: str):
    """Facts of a person's two ids come by two partitions, and so to two workers."""
    await office.tell(opened(), target("people", "hired", 10), signed_up("a"), signed_up("b"), merged("b", "a"))

    async def worker(candidate: str) -> None:
        async with await connect(database_url, name="test") as conn:
            for nth in range(15):
                type = "hire.ended" if nth % 2 else "hire.started"
                day = "ended_on" if nth % 2 else "started_on"
                said = event(
                    type, candidate=candidate, employer=f"e{nth % 3}", id=f"{candidate}{nth}", **{day: "2026-07-01"}
                )
                while True:
                    try:
                        await apply_batch(conn, [message(said, nth)], now=datetime(2150, 1, 1, tzinfo=UTC))
                        break
                    except ConcurrentChange:
                        await asyncio.sleep(0.01)

    await asyncio.gather(worker("a"), worker("b"))
    async with await connect(database_url, name="test") as conn:
        assert (await audit(conn)).differences == []
