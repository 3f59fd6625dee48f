"""One life for each message: every change has a cause, and what happens twice is told twice."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, get_args

import pytest

import notifications
import storage
import yinfeng
from notifications.channels.port import SENT, STOPPED, Begin, Mail, Outcome, all_begin
from notifications.sending.doubts import PATIENCE, settle
from notifications.sending.hr_steps import cancel, resend
from notifications.sending.scheduler import look
from schemas.messages import Status
from storage import auditing
from storage.messages import channel_rests
from storage.messages.of_facts import id_of, params_of
from storage.messages.transitions import TRANSITIONS, Cause
from tests.facts import event, opened, retraction
from tests.integration.office import Office
from tests.integration.test_sending import EXPIRE, fair, person


class Dying:
    """A channel whose sender is killed when so many mails of a portion have gone: what it does then, nobody records."""

    name, keeps, portion, lease = "dying", False, 50, 30.0

    def __init__(self, after: int) -> None:
        self.after, self.gone = after, list[int]()

    async def send(self, mails: Sequence[Mail], begin: Begin = all_begin) -> list[Outcome]:
        told: Mapping[int, Outcome] = {}
        for mail in mails:
            if len(self.gone) == self.after:
                raise KilledError
            mine: Collection[int] = await begin([mail], told)
            assert mail.id in mine
            self.gone.append(mail.id)
            told = {mail.id: SENT}
        return [SENT for _ in mails]

    def at_once(self, mails: Sequence[Mail]) -> Sequence[Mail]:
        return ()

    async def close(self) -> None:
        pass


class KilledError(BaseException):
    pass


class Told:
    """A channel that remembers what it sent, and answers as it is bid."""

    name, keeps, portion, lease = "told", False, 50, 30.0

    def __init__(self, answer: Outcome = SENT) -> None:
        self.answer, self.mails = answer, list[Mail]()

    async def send(self, mails: Sequence[Mail], begin: Begin = all_begin) -> list[Outcome]:
        mine = await begin(mails)
        self.mails += [mail for mail in mails if mail.id in mine]
        return [self.answer for _ in mails]

    def at_once(self, mails: Sequence[Mail]) -> Sequence[Mail]:
        return ()

    async def close(self) -> None:
        pass


async def history(office: Office, kind: str = "signup_confirmation") -> list[tuple[Any, ...]]:
    return await office.rows(
        "SELECT a.status, a.cause FROM message_attempts a JOIN messages m ON m.id = a.message WHERE m.kind = %s"
        " ORDER BY a.id",
        [kind],
    )


def said(kind: str, at: str, id: str, **data: Any) -> dict[str, Any]:
    return event(kind, id=id, time=f"2026-03-0{at}T09:00:00Z", candidate="c1", **data)


TERMS = {"offer": "o1", "employer": "huayou", "position": "Engineer"}


async def test_an_offer_extended_again_on_the_same_terms_is_told_again(office: Office):
    channel = Told()
    await office.tell(opened(), person("c1"), said("offer.extended", "2", "e1", **TERMS))
    await office.sender(channel).send_all()
    await office.tell(said("offer.rescinded", "3", "r1", offer="o1"))
    await office.sender(channel).send_all()
    await office.tell(said("offer.extended", "4", "e2", **TERMS))
    await office.sender(channel).send_all()
    await office.tell(said("offer.extended", "5", "e3", **TERMS))  # says no more than e2
    await office.sender(channel).send_all()
    kinds = [mail.kind for mail in channel.mails if mail.kind.startswith("offer")]
    assert kinds == ["offer", "offer_rescinded", "offer"]
    async with office.pool.connection() as conn:
        assert await auditing.sent_twice(conn, "grads-2026") == []


async def test_a_fair_that_moves_there_and_back_is_told_each_time(office: Office):
    await office.tell(opened(), fair(), person("c1", fair="f1"))
    await one_look(office)
    for venue in ("东馆", "体育馆", "东馆", "体育馆"):
        await office.tell(fair(venue=venue))
        await one_look(office)
    assert await office.rows("SELECT count(*) FROM messages WHERE kind = 'fair_rescheduled'") == [(4,)]


async def test_a_fair_called_off_twice_is_told_twice(office: Office):
    await office.tell(opened(), fair(), person("c1", fair="f1"))
    await one_look(office)
    for change in (event("fair.cancelled", fair="f1"), fair(), event("fair.cancelled", fair="f1")):
        await office.tell(change)
        await one_look(office)
    assert await office.rows("SELECT count(*) FROM messages WHERE kind = 'fair_cancelled'") == [(2,)]


async def one_look(office: Office) -> None:
    async with office.pool.connection() as conn:
        await look(conn, office.clock())


async def test_a_kill_leaves_in_doubt_only_what_may_have_gone(office: Office):
    await office.tell(opened(), *[person(f"c{n}") for n in range(60)])
    channel = Dying(after=34)
    with pytest.raises(KilledError):
        await office.sender(channel).send_all()
    await office.change(EXPIRE)
    await office.sender(channel, owner="two").sweep()
    found = await office.statuses()
    assert found == {"sent": 33, "unknown": 1, "requested": 26}
    assert {row[0] for row in await office.rows("SELECT id FROM messages WHERE status = 'requested'")} & {
        *channel.gone
    } == set()


async def test_what_is_harmless_goes_again_when_nobody_knows(office: Office):
    await office.tell(
        opened(), person("c1"), event("candidate.interviewed", candidate="c1", employer="huayou", outcome="passed")
    )
    with pytest.raises(KilledError):
        await office.sender(Dying(after=1)).send_all()
    await office.change(EXPIRE)
    channel = Told()
    await office.sender(channel).sweep()
    await office.change(f"UPDATE message_attempts SET at = at - interval '{PATIENCE + 60} seconds'")
    async with office.pool.connection() as conn:
        await settle(conn)
    await office.sender(channel).send_all()
    assert await office.statuses() == {"sent": 2}


async def test_who_was_thought_dead_begins_nothing_that_another_has_taken(office: Office):
    await office.tell(opened(), person("c1"))
    other = Told()

    class Slow(Told):
        async def send(self, mails: Sequence[Mail], begin: Begin = all_begin) -> list[Outcome]:
            await office.change(EXPIRE)
            two = office.sender(other, owner="two")
            await two.sweep()
            await two.send_all()
            return await super().send(mails, begin)

    slow = Slow()
    await office.sender(slow).send_all()
    assert (len(slow.mails), len(other.mails)) == (0, 1)
    assert await office.statuses() == {"sent": 1}


async def test_a_lane_that_waited_sees_that_the_channel_rests_since(office: Office):
    class Busy(Told):
        """Two portions are handed over before either is refused; a third one's claim waits by then."""

        portion = 5

        async def send(self, mails: Sequence[Mail], begin: Begin = all_begin) -> list[Outcome]:
            await asyncio.sleep(0.3)
            return await super().send(mails, begin)

    await office.tell(opened(), *[person(f"c{n}") for n in range(30)])
    busy = Busy(Outcome("requested", "421 too many", pauses_channel=True))
    await office.sender(busy, lanes=3).send_all()
    assert len(busy.mails) == 2 * Busy.portion
    assert await office.statuses() == {"requested": 30}


async def test_a_rest_is_the_channels_and_moves_no_message(office: Office):
    await office.tell(opened(), *[person(f"c{n}") for n in range(30)])
    busy = Told(Outcome("requested", "421 too many", pauses_channel=True))
    sender = office.sender(busy)
    await sender.send_all()
    before = await office.rows("SELECT count(*) FROM message_attempts")
    for _ in range(10):
        await sender.sweep()
        await sender.send_all()
    assert await office.rows("SELECT count(*) FROM message_attempts") == before
    assert await office.statuses() == {"requested": 30}
    async with office.pool.connection() as conn:
        [(why, waiting)] = await channel_rests.listed(conn)
    assert "421 too many" in why
    assert waiting == 30
    busy.answer = SENT
    office.clock.ahead = timedelta(minutes=5)
    await sender.send_all()
    async with office.pool.connection() as conn:
        assert await channel_rests.listed(conn) == []
    assert await office.statuses() == {"sent": 30}


async def test_put_offs_are_no_attempts(office: Office):
    await office.tell(opened(), person("c1", fair="unknown-yet"))
    sender = office.sender(Told())
    for _ in range(2):
        await sender.send_all()
        await office.change("UPDATE messages SET not_before = NULL")
    assert await office.rows("SELECT attempts, status FROM messages") == [(0, "requested")]
    await office.change("UPDATE messages SET requested_at = requested_at - interval '1 minute'")
    await sender.send_all()
    assert await office.rows("SELECT attempts, status FROM messages") == [(1, "sent")]


async def test_what_was_stopped_before_it_went_is_no_attempt(office: Office):
    """Though it had begun with its claim, together with those that did go."""
    await office.tell(opened(), *[person(f"c{n}") for n in range(3)])

    class Stopping(Told):
        def at_once(self, mails: Sequence[Mail]) -> Sequence[Mail]:
            return mails

        async def send(self, mails: Sequence[Mail], begin: Begin = all_begin) -> list[Outcome]:
            return [SENT, STOPPED, Outcome("requested", "not tried", pauses_channel=True, untried=True)]

    await office.sender(Stopping()).send_all()
    assert await office.rows("SELECT status, attempts FROM messages ORDER BY id") == [
        ("sent", 1),
        ("requested", 0),
        ("requested", 0),
    ]


async def test_a_trial_that_fails_leaves_its_turn_to_the_next_one(office: Office):
    await office.tell(opened(), person("c1"))
    async with office.pool.connection() as conn:
        await channel_rests.note(conn, "told", ["signup_confirmation"], "421", office.clock() - timedelta(seconds=1))

    class Faulty(Told):
        async def send(self, mails: Sequence[Mail], begin: Begin = all_begin) -> list[Outcome]:
            raise RuntimeError("a fault of ours")

    with pytest.raises(RuntimeError, match="a fault of ours"):
        await office.sender(Faulty()).send_all()
    async with office.pool.connection() as conn:
        rest = await channel_rests.turn(conn, "told", office.clock(), held=office.clock())
    assert rest is not None
    assert rest.tries


async def test_who_had_the_turn_takes_it_from_nobody(office: Office):
    now, second = office.clock(), timedelta(seconds=1)
    async with office.pool.connection() as conn:
        await channel_rests.note(conn, "told", ["offer"], "421", now - second)
        first = await channel_rests.turn(conn, "told", now, held=now + second)
        other = await channel_rests.turn(conn, "told", now + 2 * second, held=now + 9 * second)
        assert first is not None
        assert other is not None
        assert (first.tries, other.tries) == (True, True)
        await channel_rests.put_back(conn, "told", first.until, held=now + second)
        third = await channel_rests.turn(conn, "told", now + 3 * second, held=now + 4 * second)
        assert third is not None
        assert not third.tries


async def test_what_hr_cancelled_stays_so_and_what_the_world_did_does_not(office: Office):
    await office.tell(opened(), person("c1"))
    [(id,)] = await office.rows("SELECT id FROM messages")
    async with office.pool.connection() as conn:
        await cancel(conn, id, by="HR", reason="no")
    await office.tell(person("c1", id="again"))
    assert await office.statuses() == {"cancelled": 1}
    async with office.pool.connection() as conn:
        await resend(conn, id, by="HR", reason="after all")
    await office.tell(event("candidate.withdrew", candidate="c1", id="w"))
    await office.sender(Told()).send_all()
    await office.tell(retraction("w", candidate="c1"))
    await office.sender(Told()).send_all()
    assert await history(office) == [
        ("cancelled", "hr"),
        ("requested", "resent"),
        ("claimed", "claim"),
        ("cancelled", "moot"),
        ("requested", "stands"),
        ("claimed", "claim"),
        ("sent", "outcome"),
    ]


async def test_what_an_earlier_version_claimed_may_have_gone(office: Office):
    """It notes no beginnings."""
    await office.tell(opened(), person("c1"))
    await office.change("UPDATE messages SET status = 'claimed', owner = 'old', cause = NULL, channel = 'sendgrid'")
    await office.change(EXPIRE)
    await office.sender().sweep()
    assert await office.statuses() == {"unknown": 1}


async def test_a_doubt_of_an_earlier_version_is_settled(office: Office):
    await office.tell(opened(), person("c1"))
    await office.change("UPDATE messages SET status = 'unknown', cause = NULL")
    noted = "INSERT INTO message_attempts (message, status, at) SELECT id, 'unknown', now() - interval '1 day'"
    await office.change(f"{noted} FROM messages")
    async with office.pool.connection() as conn:
        await settle(conn)
    assert await office.statuses() == {"requested": 1}


async def test_what_an_earlier_version_held_while_a_channel_rested_goes(office: Office):
    await office.tell(opened(), person("c1"))
    await office.change("UPDATE messages SET status = 'held', reason = 'its channel rests: the key is refused'")
    sender = office.sender()
    await sender.sweep()
    await sender.send_all()
    assert await office.statuses() == {"sent": 1}


async def test_a_waiting_message_says_what_was_said_instead_of_what_was_taken_back(office: Office):
    first = event("hire.started", id="h1", candidate="c1", employer="huayou", started_on="2026-05-01", position="Clerk")
    await office.tell(opened(), first)
    await office.tell(retraction("h1", candidate="c1"))
    await office.tell({**first, "id": "h2", "data": {**first["data"], "position": "Engineer"}})
    query = f"SELECT {params_of('m')}->>'position', {id_of('m')}, status FROM messages m WHERE kind = 'welcome'"
    found = await office.rows(query)
    assert found == [("Engineer", "h2", "requested")]


class Meanwhile(Told):
    """A channel during whose sending something else is said, once."""

    def __init__(self, office: Office, *facts: dict[str, Any]) -> None:
        super().__init__()
        self.office, self.facts = office, facts

    async def send(self, mails: Sequence[Mail], begin: Begin = all_begin) -> list[Outcome]:
        facts, self.facts = self.facts, ()
        if facts:
            await self.office.tell(*facts)
        return await super().send(mails, begin)


@pytest.mark.parametrize(
    "meanwhile", [said("offer.extended", "4", "e2", **TERMS), retraction("r1", candidate="c1")], ids=["again", "back"]
)
async def test_what_stands_again_while_it_was_found_moot_goes(office: Office, meanwhile: dict[str, Any]):
    extended, rescinded = said("offer.extended", "2", "e1", **TERMS), said("offer.rescinded", "3", "r1", offer="o1")
    await office.tell(opened(), person("c1"), person("c2"), extended, rescinded)
    channel = Meanwhile(office, meanwhile)
    sender = office.sender(channel)
    await sender.send_all()
    assert [mail.kind for mail in channel.mails].count("offer") == 1


async def test_a_rest_of_an_earlier_process_is_over_once_mails_go(office: Office):
    async with office.pool.connection() as conn:
        await channel_rests.note(conn, "mailbox", ["offer"], "it was refused", office.clock())
    await office.tell(opened(), person("c1"))
    await office.sender().send_all()
    async with office.pool.connection() as conn:
        assert await channel_rests.listed(conn) == []


def test_every_status_can_be_reached_and_every_cause_has_its_transitions():
    assert set(TRANSITIONS) == set(get_args(Cause))
    assert {"requested"} | {status for each in TRANSITIONS.values() for status in each.after} == set(get_args(Status))


CHANGES_A_STATUS = re.compile(
    r"UPDATE messages(?: AS)?(?: m)?\s+SET\s+(?:(?:(?!WHERE).)*?,\s+)?status = (?!m\.status)", re.DOTALL
)


def test_one_place_alone_changes_a_status():
    found = [
        path.name
        for package in (storage, notifications, yinfeng)
        for path in Path(package.__path__[0]).rglob("*.py")
        if path.parent.name != "versions" and CHANGES_A_STATUS.search(path.read_text())
    ]
    assert found == ["statuses.py"]
