"""Fairs with fewer seats than people: what is told to whom, as seats come and go; on a real Postgres."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from notifications.channels.port import Mail, Outcome
from notifications.sending.portions import LONGEST_LOCKED
from notifications.sending.scheduler import look
from tests.facts import event, opened, retraction, signed_up
from tests.integration.office import Office
from tests.integration.test_sending import Provider

LATER = {"time": "2026-05-01T09:00:00+08:00"}


def fair(office: Office, capacity: int | None, *, days: int = 30, **more: Any) -> dict[str, Any]:
    start = office.clock().replace(minute=0, second=0, microsecond=0) + timedelta(days=days)
    given = {"fair": "f1", "title": "Fair", "mode": "onsite", "starts_at": start.isoformat()}
    seats = {} if capacity is None else {"capacity": capacity}
    return event("fair.scheduled", **given, ends_at=(start + timedelta(hours=7)).isoformat(), **seats, **more)


def person(candidate: str, **more: Any) -> dict[str, Any]:
    return signed_up(candidate, **{"fair": "f1", "email": f"{candidate}@example.com", **more})


async def told(office: Office) -> dict[str, list[str]]:
    sent = "SELECT candidate, kind FROM messages WHERE status = 'sent' AND candidate IS NOT NULL ORDER BY id"
    found: dict[str, list[str]] = {}
    for candidate, kind in await office.rows(sent):
        found.setdefault(candidate, []).append(kind)
    return found


async def work(office: Office) -> dict[str, list[str]]:
    """What a worker does when it looks around: seats that came free, then mail. Returns who was told what."""
    async with office.pool.connection() as conn:
        await look(conn, office.clock())
    await office.sender().send_all()
    return await told(office)


async def full(office: Office) -> None:
    """Two seats, taken by c0 and c1; c2 and c3 wait."""
    await office.tell(opened(), fair(office, 2), *[person(f"c{n}", id=f"s{n}") for n in range(4)])
    assert await work(office) == {
        "c0": ["signup_confirmation"],
        "c1": ["signup_confirmation"],
        "c2": ["waitlisted"],
        "c3": ["waitlisted"],
    }


async def test_who_comes_when_all_seats_are_taken_waits(office: Office):
    await full(office)
    assert await office.status_of("c2") == ("cancelled", "the fair is full; told of the waiting list instead")
    assert await work(office) == await told(office)


@pytest.mark.parametrize(
    "gone",
    [
        event("candidate.withdrew", candidate="c0", **LATER),
        event("candidate.erased", candidate="c0", **LATER),
        retraction("s0", candidate="c0"),
    ],
    ids=["withdrew", "erased", "retracted"],
)
async def test_a_seat_that_comes_free_goes_to_whoever_waited_longest(office: Office, gone: dict[str, Any]):
    await full(office)
    await office.tell(gone)
    after = await work(office)
    assert (after["c2"], after["c3"]) == (["waitlisted", "moved_up"], ["waitlisted"])
    assert await work(office) == after


async def test_more_seats_and_fewer_are_told_to_those_whom_it_concerns(office: Office):
    await full(office)
    await office.tell(fair(office, 3, **LATER))
    assert (await work(office))["c2"] == ["waitlisted", "moved_up"]
    await office.tell(fair(office, 1, time="2026-05-02T09:00:00+08:00"), person("c9", id="s9"))
    after = await work(office)
    assert {each: kinds[-1] for each, kinds in after.items()} == {
        "c0": "signup_confirmation",
        "c1": "moved_back",
        "c2": "moved_back",
        "c3": "waitlisted",
        "c9": "waitlisted",
    }
    assert await work(office) == after
    await office.tell(fair(office, None, time="2026-05-03T09:00:00+08:00"))
    after = await work(office)
    assert [after[each][-1] for each in ("c1", "c2", "c3", "c9")] == ["moved_up"] * 4


async def test_who_was_promised_a_seat_that_somebody_earlier_has_is_told(office: Office):
    await full(office)
    await office.tell(person("early", id="e", time="2026-02-01T09:00:00+08:00"))
    after = await work(office)
    assert (after["early"], after["c1"]) == (["signup_confirmation"], ["signup_confirmation", "moved_back"])
    await office.tell(retraction("e", candidate="early"))
    assert (await work(office))["c1"] == ["signup_confirmation", "moved_back", "moved_up"]


async def test_who_was_told_nothing_yet_is_told_how_it_stands_when_the_mail_goes(office: Office):
    await office.tell(opened(), fair(office, 1), person("c0", id="s0"))
    await office.tell(person("early", id="e", time="2026-02-01T09:00:00+08:00"))
    assert await work(office) == {"c0": ["waitlisted"], "early": ["signup_confirmation"]}


async def test_what_turns_back_before_it_was_told_is_not_told(office: Office):
    await full(office)
    await office.tell(fair(office, 1, **LATER))
    async with office.pool.connection() as conn:
        await look(conn, office.clock())
    await office.tell(fair(office, 2, time="2026-05-02T09:00:00+08:00"))
    assert (await work(office))["c1"] == ["signup_confirmation"]


async def test_who_comes_back_after_a_withdrawal_is_told_anew(office: Office):
    await full(office)
    await office.tell(event("candidate.withdrew", candidate="c0", **LATER))
    await work(office)
    await office.tell(person("c0", id="again", time="2026-05-02T09:00:00+08:00"))
    assert (await work(office))["c0"] == ["waitlisted"]
    assert await office.status_of("c0") == ("cancelled", "the fair is full; told of the waiting list instead")


async def test_who_signs_up_again_after_a_mistake_is_told_what_is_otherwise_now(office: Office):
    await full(office)
    await office.tell(retraction("s0", candidate="c0"))
    await work(office)
    await office.tell(person("c0", id="again", time="2026-05-02T09:00:00+08:00"))
    assert (await work(office))["c0"] == ["signup_confirmation", "moved_back"]


async def test_what_changed_while_a_fair_was_cancelled_is_told_once_it_takes_place(office: Office):
    await full(office)
    await work(office)
    await office.tell(event("fair.cancelled", fair="f1", **LATER), event("candidate.withdrew", candidate="c0", **LATER))
    assert "moved_up" not in (await work(office))["c2"]
    await office.tell(fair(office, 2, time="2026-05-02T09:00:00+08:00"))
    assert "moved_up" in (await work(office))["c2"]


async def test_who_waits_is_not_reminded_and_who_has_a_seat_is(office: Office):
    await full(office)
    noon = office.clock().replace(hour=4, minute=0) + timedelta(days=1)  # in Shanghai
    await office.tell(fair(office, 2, **LATER) | {"data": _at(fair(office, 2), noon + timedelta(hours=20))})
    office.clock.ahead += noon - office.clock()
    await office.change("DELETE FROM fair_notices")
    after = await work(office)
    assert ("fair_reminder" in after["c0"], "fair_reminder" in after["c2"]) == (True, False)


def _at(scheduled: dict[str, Any], start: Any) -> dict[str, Any]:
    ends = (start + timedelta(hours=7)).isoformat()
    return {**scheduled["data"], "starts_at": start.isoformat(), "ends_at": ends}


async def test_nobody_moves_up_to_a_fair_that_has_begun_or_is_cancelled(office: Office):
    await full(office)
    await office.tell(event("fair.cancelled", fair="f1", **LATER), event("candidate.withdrew", candidate="c0", **LATER))
    assert "moved_up" not in (await work(office))["c2"]


async def test_without_a_capacity_nobody_waits_and_two_senders_give_no_seat_twice(office: Office):
    people = [person(f"c{n:03}") for n in range(300)]
    await office.tell(opened(), fair(office, 120), *people, person("x1", fair="f2"), person("x2", fair="f2"))
    await asyncio.gather(*[office.sender(owner=name).send_all() for name in ("one", "two", "three")])
    seats = await office.rows("SELECT waiting, count(*) FROM seats WHERE fair = 'f1' GROUP BY 1 ORDER BY 1")
    assert seats == [(False, 120), (True, 180)]
    by_kind = dict(await office.rows("SELECT kind, count(*) FROM messages WHERE status = 'sent' GROUP BY 1"))
    assert (by_kind["signup_confirmation"], by_kind["waitlisted"]) == (120, 180)


async def test_what_is_let_go_of_before_it_begins_has_asked_for_nothing_in_its_place(office: Office):
    await office.tell(opened(), fair(office, 40), *[person(f"c{n}") for n in range(40)])
    await office.tell(*[person(f"w{n}", **LATER) for n in range(20)])
    channel, goes_on = Provider(), asyncio.Event()

    async def keeping(mails: Sequence[Mail], begin: Any = None) -> list[Outcome]:
        await goes_on.wait()
        return await Provider.send(channel, mails, begin)

    channel.send = keeping  # type: ignore[method-assign]
    async with asyncio.TaskGroup() as group:
        sending = group.create_task(office.sender(channel, lanes=3).send_all())
        await asyncio.sleep(LONGEST_LOCKED + 1)
        asked = await office.rows("SELECT FROM messages WHERE kind = 'waitlisted'")
        goes_on.set()
        await sending
    assert asked == []
    assert len(await office.rows("SELECT FROM messages WHERE kind = 'waitlisted' AND status = 'sent'")) == 20
