"""The sender on a real Postgres, with the mailbox and with a stand-in for SendGrid that misbehaves."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from notifications.channels.mailbox import Mailbox
from notifications.channels.port import SENT, TAKEN, Begin, Mail, Outcome, all_begin
from notifications.channels.sendgrid import AT_ONCE, SendGrid
from notifications.sending.claiming import GATHER_FOR, Claims, MayBegin
from notifications.sending.drain import DrainSeen
from notifications.sending.hr_steps import cancel
from notifications.sending.pacing import Pace
from notifications.sending.portions import LONGEST_LOCKED, Portions
from notifications.sending.recording import Portion
from notifications.sending.route import Route
from notifications.sending.sender import FEW, MOST_FAULTS, Sender
from notifications.sending.signed_links import load as load_links
from schemas.errors import DatabaseUnavailable
from storage import leases
from storage.database import Conn, make_pool
from storage.messages import channel_rests
from storage.messages.claiming import Claimed, due, take
from tests.facts import event, hired, opened, retraction, signed_up, target
from tests.integration.office import Office
from tests.platform import until
from tests.stand_ins.sendgrid import KEY, Answer, SendGridStandIn

LATER = "2026-04-01T00:00:00Z"
EXPIRE = "UPDATE messages SET lease_until = now() - interval '1 second' WHERE status = 'claimed'"
DUE = "UPDATE messages SET not_before = NULL"
WAITING = """
INSERT INTO messages (dedupe_key, kind, campaign, candidate, params, requested_at)
SELECT gen_random_uuid(), %(kind)s, 'c', 'c' || n, '{}', now() - make_interval(secs => %(age)s)
FROM generate_series(1, %(count)s) AS n
"""
# How many rows of messages this transaction has read.
READ = "SELECT seq_tup_read + coalesce(idx_tup_fetch, 0) FROM pg_stat_xact_user_tables WHERE relname = 'messages'"


@pytest.fixture
async def sendgrid(sendgrid_server: SendGridStandIn) -> AsyncIterator[SendGrid]:
    channel = SendGrid(KEY, host=sendgrid_server.url, timeout=5, sender="park@yinfeng.example", sender_name="产业园")
    yield channel
    await channel.close()


def person(candidate: str, **more: Any) -> dict[str, Any]:
    return signed_up(candidate, **{"email": f"{candidate}@example.com", **more})


def offer(name: str, **more: Any) -> dict[str, Any]:
    data = {"offer": "o1", "employer": "huayou", "position": "Engineer", "city": "桐乡", **more}
    return event("offer.extended", candidate=name, **data)


def fair(**more: Any) -> dict[str, Any]:
    data = {"title": "春季双选会", "mode": "onsite", "venue": "体育馆", "city": "武汉", **more}
    return event(
        "fair.scheduled",
        fair="f1",
        starts_at="2094-03-08T09:00:00+08:00",
        ends_at="2094-03-08T16:00:00+08:00",
        **data,
    )


async def test_facts_become_mails_that_are_kept(office: Office):
    await office.tell(
        opened(),
        fair(),
        target("t", goal=4),
        person("c1", name="李思雨", fair="f1"),
        offer("c1"),
        hired("c1", position="Engineer"),
    )
    await office.sender().send_all()
    found = await office.rows(
        "SELECT kind, status, channel, recipient, locale, attempts, subject FROM messages"
        " WHERE kind <> 'benefit_available' ORDER BY kind"
    )
    assert [row[:6] for row in found] == [
        ("milestone", "sent", "mailbox", "hr@localhost", "zh-CN", 1),
        ("offer", "sent", "mailbox", "c1@example.com", "zh-CN", 1),
        ("signup_confirmation", "sent", "mailbox", "c1@example.com", "zh-CN", 1),
        ("welcome", "sent", "mailbox", "c1@example.com", "zh-CN", 1),
    ]
    assert all(subject for *_, subject in found)
    [(html, text)] = await office.rows(
        "SELECT html, text FROM mails JOIN messages m ON m.id = message WHERE m.kind = 'signup_confirmation'"
    )
    for said in ("李思雨", "春季双选会", "体育馆", "星期一", "09:00", "Park"):
        assert said in html
        assert said in text
    assert await office.sent_more_than_once() == []
    assert await office.sender().send_all() == 0


async def test_two_senders_on_one_database_send_each_message_once(
    office: Office, sendgrid: SendGrid, sendgrid_server: SendGridStandIn
):
    await office.tell(opened(), *[person(f"c{n}") for n in range(450)])
    one, other = office.sender(sendgrid, owner="one"), office.sender(sendgrid, owner="other")
    counts = await asyncio.gather(one.send_all(), other.send_all())
    assert sum(counts) >= 450
    assert min(counts) > 0
    assert await office.statuses() == {"sent": 450}
    assert set(sendgrid_server.ids().values()) == {1}
    assert set(sendgrid_server.addresses()) == {f"c{n}@example.com" for n in range(450)}
    assert await office.sent_more_than_once() == []


async def facts_pour_in(office: Office) -> None:
    """A worker says so."""
    async with office.pool.connection() as conn:
        assert await leases.hold(conn, leases.DRAIN, holder="a worker", seconds=3600)


async def test_while_others_need_the_processor_few_mails_go_at_a_time(office: Office):
    class Noting(Mailbox):
        def __init__(self) -> None:
            self.sizes: list[int] = []

        async def send(self, mails: Sequence[Mail], begin: Begin = all_begin) -> list[Outcome]:
            self.sizes.append(len(mails))
            if len(self.sizes) == 2:
                await office.change("UPDATE leases SET expires_at = now()")
            return await super().send(mails, begin)

    channel = Noting()
    await office.tell(opened(), *[person(f"c{n}") for n in range(3 * FEW)])
    await facts_pour_in(office)
    sender = office.sender(channel, lanes=2, drain=DrainSeen())
    assert await sender.send_all() == 3 * FEW
    assert channel.sizes[:2] == [FEW, FEW]
    assert sum(channel.sizes) == 3 * FEW


async def test_while_others_need_the_processor_what_goes_together_gathers_but_not_for_long(office: Office):
    await office.tell(opened(), person("c1"), offer("c1"))
    await facts_pour_in(office)
    sender = office.sender(drain=DrainSeen())
    await office.tell(event("offer.accepted", candidate="c1", offer="o1"))
    assert await sender.send_all() > 0
    answered = "SELECT status FROM messages WHERE kind = 'offer_answered'"
    assert await office.rows(answered) == [("requested",)]
    office.clock.ahead += GATHER_FOR
    assert await sender.send_all() > 0
    assert await office.rows(answered) == [("sent",)]
    await office.tell(event("offer.declined", candidate="c1", offer="o1", time=LATER))
    await sender.send_all()
    assert sorted(await office.rows(answered)) == [("requested",), ("sent",)]


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (Answer(400), "failed"),
        (Answer(400, says=b"<html>\x00\xff\r\n" + b"x" * 100_000), "failed"),
        (Answer(500), "unknown"),
        (Answer(drop="before"), "unknown"),
        (Answer(drop="after"), "unknown"),
        (Answer(302), "unknown"),
    ],
    ids=lambda value: str(value)[:40],
)
async def test_one_messages_failure_touches_no_other(
    office: Office, sendgrid: SendGrid, sendgrid_server: SendGridStandIn, answer: Answer, status: str
):
    await office.tell(opened(), *[person(f"c{n}") for n in range(20)])
    sendgrid_server.script_for["c7@example.com"] = [answer]
    await office.sender(sendgrid).send_all()
    await office.change(DUE)
    await office.sender(sendgrid).send_all()
    assert await office.statuses() == {"sent": 19, status: 1}
    found, reason = await office.status_of("c7")
    assert (found, bool(reason)) == (status, True)
    assert max(sendgrid_server.ids().values()) == 1


@pytest.mark.parametrize(("named", "believed"), [(600, 600), (40 * 365 * 86400, 3600)])
async def test_too_many_requests_are_tried_again_when_the_provider_says(
    office: Office, sendgrid: SendGrid, sendgrid_server: SendGridStandIn, named: int, believed: int
):
    await office.tell(opened(), *[person(f"c{n}") for n in range(100)])
    sendgrid_server.script = [Answer(429, reset=int(time.time()) + named)] * 100
    await office.sender(sendgrid).send_all()
    assert sendgrid_server.asked <= AT_ONCE
    tried = await office.statuses()
    assert tried == {"requested": 100}
    [(least, most)] = await office.rows("SELECT min(not_before), max(not_before) FROM messages")
    assert most - least < timedelta(minutes=1)
    assert abs((most - office.clock()).total_seconds() - believed) < 60
    sendgrid_server.script.clear()
    await office.change(DUE)
    sender = office.sender(sendgrid)
    await sender.sweep()
    assert await sender.send_all() == 0
    office.clock.ahead = timedelta(seconds=believed + 60)
    await sender.send_all()
    assert await office.statuses() == {"sent": 100}
    assert set(sendgrid_server.ids().values()) == {1}


async def test_what_never_left_us_is_tried_again_later(
    office: Office, sendgrid_server: SendGridStandIn, sendgrid: SendGrid
):
    await office.tell(opened(), person("c1"))
    nobody = SendGrid(KEY, host="http://127.0.0.1:1", timeout=5, sender="a@b.cn", sender_name="")
    sender = office.sender(nobody)
    assert [await sender.send_all(), await sender.send_all()] == [1, 0]
    assert await office.rows("SELECT status, attempts FROM messages") == [("requested", 1)]
    office.clock.ahead = timedelta(minutes=2)
    assert await sender.send_all() == 1
    await sender.close()
    office.clock.ahead = timedelta(minutes=4)
    another = office.sender(sendgrid)
    await another.sweep()
    await another.send_all()
    assert await office.statuses() == {"sent": 1}
    tried = await office.rows("SELECT status FROM message_attempts ORDER BY id")
    assert [status for (status,) in tried] == ["claimed", "requested"] * 2 + ["claimed", "sent"]


async def test_a_refused_key_pauses_the_channel_and_no_message_is_lost(
    office: Office, sendgrid: SendGrid, sendgrid_server: SendGridStandIn, caplog: pytest.LogCaptureFixture
):
    await office.tell(opened(), *[person(f"c{n}") for n in range(300)])
    sendgrid_server.key = "SG.another"
    sender = office.sender(sendgrid)
    await sender.send_all()
    assert sendgrid_server.asked <= AT_ONCE
    assert "YINFENG_SENDGRID_API_KEY" in caplog.text
    assert KEY not in caplog.text
    asked = sendgrid_server.asked
    await sender.send_all()
    assert (sendgrid_server.asked, await office.statuses()) == (asked, {"requested": 300, "sent": 1})
    office.clock.ahead = timedelta(minutes=1)
    await sender.send_all()  # one goes ahead
    assert (sendgrid_server.asked, await office.statuses()) == (asked + 1, {"requested": 300, "sent": 1})
    [(channel, text)] = await office.rows(  # HR is told once, past the mail
        "SELECT channel, text FROM messages m JOIN mails ON message = m.id WHERE kind = 'channel_refused'"
    )
    assert (channel, "YINFENG_SENDGRID_API_KEY" in text, KEY in text) == ("mailbox", True, False)
    sendgrid_server.key = KEY
    office.clock.ahead = timedelta(minutes=3)
    await sender.send_all()
    assert await office.statuses() == {"sent": 301}
    assert set(sendgrid_server.ids().values()) == {1}


class Noting:
    """A mailbox that keeps the order of what it is handed, a few at a time."""

    name, keeps, portion, lease = "mailbox", True, 20, 60.0

    def __init__(self) -> None:
        self.kinds: list[str] = []

    async def send(self, mails: Sequence[Mail], begin: Any = None) -> list[Outcome]:
        self.kinds += [mail.kind for mail in mails]
        return [Outcome("sent") for _ in mails]

    def at_once(self, mails: list[Mail]) -> list[Mail]:
        return []

    async def close(self) -> None: ...


async def test_a_long_queue_of_one_kind_holds_up_no_other(office: Office):
    await office.tell(opened(), target("t", goal=1), *[person(f"c{n}") for n in range(200)], hired("c1"))
    channel = Noting()
    await office.sender(channel, hr_email="hr@park.example").send_all()
    assert channel.kinds.index("target_reached") < 5 * channel.portion  # of ten and more: both are claimed at once
    statuses = await office.statuses()
    assert len(channel.kinds) == statuses["sent"]


async def claim(conn: Conn, kinds: list[str], *, limit: int, **choice: list[str]) -> list[Claimed]:
    async with conn.transaction():
        found = await due(conn, kinds, limit=limit, **choice)
        await take(conn, found, (), channel="mailbox", owner="one", lease=60)
    return found


@pytest.mark.parametrize("choice", [{}, {"only": ["c"]}, {"but": ["d"]}])
@pytest.mark.parametrize("count_due", [0, 3])
async def test_who_has_little_to_send_does_not_read_what_waits_of_other_kinds(
    office: Office, count_due: int, choice: dict[str, list[str]]
):
    async with office.pool.connection() as conn:
        for kind, count in (("fair_reminder", 2000), ("offer", count_due)):
            await conn.execute(WAITING, {"kind": kind, "count": count, "age": 0})
        await conn.execute("ANALYZE messages")
        await conn.commit()
        taken = await claim(conn, ["offer", "welcome"], limit=10, **choice)
        read = await (await conn.execute(READ)).fetchone()
    assert [each.kind for each in taken] == ["offer"] * count_due
    assert read is not None
    assert read[0] < 100


async def test_what_has_waited_longest_is_claimed_first_of_whatever_kind(office: Office):
    async with office.pool.connection() as conn:
        for kind, count, age in (("welcome", 2, 10), ("offer", 2, 20), ("welcome", 2, 30), ("ticket", 2, 40)):
            await conn.execute(WAITING, {"kind": kind, "count": count, "age": age})
        kinds = ["welcome", "offer", "welcome"]
        taken = await claim(conn, kinds, limit=3)
        assert sorted(each.kind for each in taken) == ["offer", "welcome", "welcome"]
        rest = await claim(conn, kinds, limit=3)
        assert sorted(each.kind for each in rest) == ["offer", "welcome", "welcome"]
        assert not {each.id for each in taken} & {each.id for each in rest}
        assert max(each.requested_at for each in taken) <= min(each.requested_at for each in rest)


async def test_mail_to_hr_stays_here_while_hr_has_no_address(
    office: Office, sendgrid: SendGrid, sendgrid_server: SendGridStandIn
):
    await office.tell(opened(), target("t", goal=1), person("c1"), hired("c1"))
    await office.sender(sendgrid).send_all()
    found = await office.rows("SELECT kind, channel FROM messages ORDER BY kind")
    assert {channel for kind, channel in found if kind in ("milestone", "target_reached")} == {"mailbox"}
    assert {channel for kind, channel in found if kind in ("signup_confirmation", "welcome")} == {"sendgrid"}
    assert set(sendgrid_server.addresses()) == {"c1@example.com"}


async def test_mail_to_hr_goes_out_once_it_has_an_address(
    office: Office, sendgrid: SendGrid, sendgrid_server: SendGridStandIn
):
    await office.tell(opened(), target("t", goal=1), hired("c1"))
    await office.sender(sendgrid, hr_email="hr@park.example").send_all()
    assert sendgrid_server.addresses()["hr@park.example"] > 0


def start_sender(office_url: str, server: SendGridStandIn | None, **more: str) -> subprocess.Popen[bytes]:
    settings = {"YINFENG_DATABASE_URL": office_url, **more}
    if server is not None:
        settings |= {"YINFENG_SENDGRID_API_KEY": KEY, "YINFENG_SENDGRID_HOST": server.url}
    return subprocess.Popen([sys.executable, "-m", "tests.integration.sender_driver"], env={**os.environ, **settings})


@pytest.mark.slow
async def test_a_sender_killed_between_send_and_record_leaves_unknown_and_nothing_is_sent_twice(
    office: Office, database_url: str, sendgrid_server: SendGridStandIn, sendgrid: SendGrid
):
    await office.tell(opened(), *[person(f"c{n}") for n in range(AT_ONCE)])
    sendgrid_server.script = [Answer(delay=30)] * AT_ONCE
    process = start_sender(database_url, sendgrid_server)
    await asyncio.to_thread(until, lambda: len(sendgrid_server.accepted) == AT_ONCE)
    process.kill()
    process.wait()
    await office.change(EXPIRE)
    sender = office.sender(sendgrid, owner="next")
    await sender.sweep()
    await sender.send_all()
    assert await office.statuses() == {"unknown": AT_ONCE}
    assert set(sendgrid_server.ids().values()) == {1}
    [(detail,)] = await office.rows("SELECT DISTINCT detail FROM message_attempts WHERE status = 'unknown'")
    assert "ended between" in detail


class Dying:
    """A mailbox whose sender dies before it records."""

    name, keeps, portion, lease = "mailbox", True, 200, 60.0

    async def send(self, mails: list[Mail], begin: Any = None) -> list[Outcome]:
        raise SystemError("dead")

    def at_once(self, mails: list[Mail]) -> list[Mail]:
        return []

    async def close(self) -> None: ...


async def test_what_a_dead_sender_had_claimed_for_the_mailbox_is_delivered_by_the_next(office: Office):
    await office.tell(opened(), person("c1"))
    with pytest.raises(SystemError):
        await office.sender(Dying(), owner="dead").send_all()
    assert await office.statuses() == {"claimed": 1}
    sender = office.sender(owner="next")
    await sender.sweep()
    assert await office.statuses() == {"claimed": 1}
    await office.change(EXPIRE)
    await sender.sweep()
    await sender.send_all()
    assert await office.statuses() == {"sent": 1}
    assert await office.rows("SELECT count(*) FROM mails") == [(1,)]


async def test_a_message_without_an_address_waits_for_one(office: Office):
    await office.tell(opened(), signed_up("c1"), person("c2"))
    await office.sender().send_all()
    assert await office.status_of("c1") == ("held", "no address")
    assert (await office.status_of("c2"))[0] == "sent"
    await office.tell(person("c1", time=LATER))
    await office.sender().send_all()
    assert await office.statuses() == {"sent": 2}


def erased(name: str) -> dict[str, Any]:
    return event("candidate.erased", candidate=name, time=LATER)


CANCELLING = [
    ([person("c1")], erased("c1"), "signup_confirmation", "candidate erased"),
    ([person("c1")], event("candidate.withdrew", candidate="c1", time=LATER), "signup_confirmation", "withdrew"),
    ([person("c1", id="s1"), offer("c1")], retraction("s1", candidate="c1"), "signup_confirmation", "retracted"),
    (
        [person("c1"), offer("c1")],
        event("offer.rescinded", candidate="c1", offer="o1", time=LATER),
        "offer",
        "rescinded",
    ),
    ([person("c1"), offer("c1", id="x1")], retraction("x1", candidate="c1"), "offer", "retracted"),
    ([person("c1"), offer("c1")], offer("c1", time=LATER, position="Chemist"), "offer", "other terms"),
    (
        [person("c1"), hired("c1")],
        event("hire.ended", candidate="c1", employer="huayou", ended_on="2026-07-02", time=LATER),
        "welcome",
        "no longer stands",
    ),
]


@pytest.mark.parametrize(("before", "then", "kind", "reason"), CANCELLING, ids=[f"{c[2]} {c[3]}" for c in CANCELLING])
async def test_what_is_no_longer_so_is_not_sent(
    office: Office, before: list[dict[str, Any]], then: dict[str, Any], kind: str, reason: str
):
    await office.tell(opened(), *before, person("c2"))
    await office.tell(then)
    await office.sender().send_all()
    found = await office.rows("SELECT status, reason FROM messages WHERE kind = %s AND candidate = 'c1'", [kind])
    assert any(status == "cancelled" and reason in why for status, why in found)
    assert (await office.status_of("c2"))[0] == "sent"


async def test_what_was_cancelled_goes_after_all_when_a_new_fact_says_so(office: Office):
    await office.tell(opened(), person("c1"), offer("c1", id="x1"))
    await office.tell(retraction("x1", candidate="c1"))
    await office.sender().send_all()
    assert (await office.status_of("c1", "offer"))[0] == "cancelled"
    await office.tell(offer("c1", id="x2"))
    await office.sender().send_all()
    assert (await office.status_of("c1", "offer"))[0] == "sent"
    assert await office.sent_more_than_once() == []
    tried = await office.rows(
        "SELECT a.status FROM message_attempts a JOIN messages m ON m.id = message WHERE kind = 'offer' ORDER BY a.id"
    )
    assert [status for (status,) in tried] == ["claimed", "cancelled", "requested", "claimed", "sent"]


async def test_what_a_mistaken_fact_cancelled_goes_once_that_was_taken_back(office: Office):
    mistaken = event("candidate.withdrew", id="wrong", candidate="c1", time=LATER)
    await office.tell(opened(), person("c1"), mistaken)
    await office.sender().send_all()
    assert (await office.status_of("c1"))[0] == "cancelled"
    done = await office.tell(retraction("wrong", candidate="c1"))
    assert len(done.messages) == 1
    for _ in range(2):
        await office.sender().send_all()
    assert (await office.status_of("c1"))[0] == "sent"
    assert await office.sent_more_than_once() == []


async def test_what_still_does_not_stand_is_cancelled_again(office: Office):
    await office.tell(opened(), person("c1", id="s1"))
    for wrong in ("w1", "w2"):
        await office.tell(event("candidate.withdrew", id=wrong, candidate="c1", time=LATER))
    await office.sender().send_all()
    await office.tell(retraction("w1", candidate="c1"))
    await office.sender().send_all()
    assert await office.status_of("c1") == ("cancelled", "the candidate withdrew")


async def test_what_hr_cancelled_stays_cancelled_whatever_is_posted_again(office: Office):
    await office.tell(opened(), person("c1", id="s1"))
    [(id,)] = await office.rows("SELECT id FROM messages")
    async with office.pool.connection() as conn:
        await cancel(conn, id, by="o", reason="wrong person")
    await office.tell(person("c1", id="s2", time=LATER))
    await office.tell(retraction("s1", candidate="c1"))
    await office.sender().send_all()
    assert await office.status_of("c1") == ("cancelled", "cancelled by o: wrong person")


async def test_a_message_that_cant_be_written_waits_alone_and_is_tried_by_the_next_sender(office: Office):
    await office.tell(opened(), person("c1"), offer("c1"), person("c2"))
    [(params,)] = await office.rows("SELECT params::text FROM messages WHERE kind = 'offer'")
    await office.change("UPDATE messages SET params = '{}' WHERE kind = 'offer'")
    sender = office.sender()
    for _ in range(2):
        await sender.sweep()
        await sender.send_all()
    status, reason = await office.status_of("c1", "offer")
    assert (status, "can't be written: KeyError 'offer'") == ("held", reason)
    assert await office.statuses() == {"sent": 2, "held": 1}
    await office.rows("UPDATE messages SET params = %s::jsonb WHERE kind = 'offer' RETURNING id", [params])
    mended = office.sender(owner="mended")
    await mended.sweep()
    await mended.send_all()
    assert await office.statuses() == {"sent": 3}


@pytest.mark.parametrize(
    ("own", "campaign", "used"),
    [("en", "zh-CN", "en"), (None, "en", "en"), ("zh-CN", "en", "zh-CN"), (None, None, "zh-CN")],
)
async def test_the_language_is_the_candidates_then_the_campaigns(
    office: Office, own: str | None, campaign: str | None, used: str
):
    about = [opened(locale=campaign)] if campaign else []
    await office.tell(*about, person("c1", **({"locale": own} if own else {})))
    await office.sender().send_all()
    assert await office.rows("SELECT status, locale FROM messages") == [("sent", used)]


class Meanwhile:
    """A mailbox to which something happens while a batch is on its way."""

    name, keeps, portion, lease = "mailbox", True, 200, 60.0

    def __init__(self, happen: Callable[[], Any]) -> None:
        self._happen = happen

    async def send(self, mails: list[Mail], begin: Any = None) -> list[Outcome]:
        await self._happen()
        return [Outcome("sent") for _ in mails]

    def at_once(self, mails: list[Mail]) -> list[Mail]:
        return []

    async def close(self) -> None: ...


async def test_a_person_erased_while_their_mail_was_on_its_way_leaves_no_trace(office: Office):
    await office.tell(opened(), person("c1", name="李思雨"))
    await office.sender(Meanwhile(lambda: office.tell(erased("c1")))).send_all()
    found = await office.rows("SELECT status, recipient, subject, params::text FROM messages")
    assert found == [("sent", None, None, "{}")]
    assert await office.rows("SELECT count(*) FROM mails") == [(0,)]


class Refusing(Meanwhile):
    """A mail server that says whom it does not know."""

    async def send(self, mails: list[Mail], begin: Any = None) -> list[Outcome]:
        await self._happen()
        return [Outcome("failed", f"550 <{mail.to}> is not known here") for mail in mails]


@pytest.mark.parametrize("under_way", [True, False])
async def test_what_a_mail_server_said_of_a_person_is_forgotten_with_them(office: Office, under_way: bool):
    await office.tell(opened(), person("c1"), person("c2"))
    erase = Refusing(lambda: office.tell(erased("c1") if under_way else person("c3")))
    await office.sender(erase).send_all()
    await office.tell(erased("c1"))
    for table in ("messages", "message_attempts", "mails"):
        kept = str(await office.rows(f"SELECT t::text FROM {table} t"))
        assert "c1@example.com" not in kept
        assert ("550 <c2@example.com>" in kept) is (table != "mails")
    assert (await office.status_of("c1"))[0] == "failed"


async def test_an_address_that_comes_while_its_message_is_being_held_lets_it_go(office: Office):
    await office.tell(opened(), signed_up("c1"), person("c2"))
    arrives = Meanwhile(lambda: office.tell(person("c1", time=LATER)))
    await office.sender(arrives).send_all()
    await office.sender().send_all()
    assert await office.statuses() == {"sent": 2}


async def standing(office: Office) -> Counter[str] | None:
    """How messages stand; None where the connection of whoever asks was lost too."""
    try:
        return await office.statuses()
    except psycopg.OperationalError:
        return None


async def test_a_database_that_goes_away_is_waited_for(office: Office):
    await office.tell(opened(), person("c1"))
    away = """SELECT pg_terminate_backend(pid) FROM pg_stat_activity
              WHERE datname = current_database() AND pid <> pg_backend_pid()"""
    sender = office.sender(Meanwhile(lambda: office.change(away)))
    running = asyncio.create_task(sender.run(interval=0.05))
    while await standing(office) != {"sent": 1}:
        assert not running.done()
        await asyncio.sleep(0.05)
    await office.tell(person("c2"))
    sender.wake()
    while await standing(office) != {"sent": 2}:
        assert not running.done()
        await asyncio.sleep(0.05)
    running.cancel()
    assert await office.sent_more_than_once() == []


class Faulty:
    """A channel with a fault that shows once."""

    name, keeps, portion, lease = "mailbox", True, 200, 0.0
    faults = 1

    async def send(self, mails: list[Mail], begin: Any = None) -> list[Outcome]:
        if self.faults:
            self.faults -= 1
            raise LookupError("a fault of ours")
        return [Outcome("sent") for _ in mails]

    def at_once(self, mails: list[Mail]) -> list[Mail]:
        return []

    async def close(self) -> None: ...


async def test_a_fault_of_ours_ends_neither_the_sender_nor_what_runs_beside_it(
    office: Office, caplog: pytest.LogCaptureFixture
):
    await office.tell(opened(), person("c1"))
    running = asyncio.create_task(office.sender(Faulty()).run(interval=0.05))
    while await office.statuses() != {"sent": 1}:
        assert not running.done()
        await asyncio.sleep(0.05)
    running.cancel()
    assert "a fault of ours" in caplog.text
    assert await office.sent_more_than_once() == []


async def test_a_sender_whose_fault_stays_ends_and_the_next_one_sends_what_it_left(
    office: Office, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("notifications.sending.sender.OUTAGE_PAUSE", 0.01)
    channel = Faulty()
    channel.faults = MOST_FAULTS
    await office.tell(opened(), person("c1"))
    with pytest.raises(LookupError, match="a fault of ours"):
        async with asyncio.timeout(60):
            await office.sender(channel).run(interval=0.05)
    running = asyncio.create_task(office.sender(channel).run(interval=0.05))
    while await office.statuses() != {"sent": 1}:
        assert not running.done()
        await asyncio.sleep(0.05)
    running.cancel()


async def test_a_fault_that_stays_ends_it_also_where_little_is_due(office: Office, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("notifications.sending.sender.OUTAGE_PAUSE", 0.01)
    channel = Faulty()
    channel.faults, channel.lease = MOST_FAULTS, 0.5
    await office.tell(opened(), person("c1"))
    with pytest.raises(LookupError, match="a fault of ours"):
        async with asyncio.timeout(15):
            await office.sender(channel).run(interval=0.05)


async def test_a_sender_stops_also_when_the_database_does_not_take_what_it_sent(
    office: Office, sendgrid_server: SendGridStandIn, sendgrid: SendGrid, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("notifications.sending.sender.CLOSES_WITHIN", 0.5)
    await office.tell(opened(), person("c1"))
    sendgrid_server.script = [Answer(delay=0.3)]
    sender = office.sender(sendgrid)
    running = asyncio.create_task(sender.run(interval=60))
    await asyncio.to_thread(until, lambda: sendgrid_server.asked > 0)
    async with office.pool.connection() as conn, conn.transaction():
        await conn.execute("LOCK TABLE messages IN ACCESS EXCLUSIVE MODE")
        async with asyncio.timeout(60):
            await sender.close()
        running.cancel()
        await asyncio.wait([running])
    assert await office.statuses() == {"claimed": 1}


async def test_a_sender_that_stops_in_order_records_what_it_sent_and_leaves_the_rest(
    office: Office, sendgrid_server: SendGridStandIn, sendgrid: SendGrid
):
    await office.tell(opened(), *[person(f"c{n}") for n in range(100)])
    sendgrid_server.script = [Answer(delay=0.2)] * 100
    sender = office.sender(sendgrid)
    running = asyncio.create_task(sender.run(interval=60))
    await asyncio.to_thread(until, lambda: len(sendgrid_server.accepted) > 0)
    await sender.close()
    await running
    statuses = await office.statuses()
    assert statuses["sent"] == len(sendgrid_server.accepted) < 100
    assert statuses["sent"] + statuses["requested"] == 100


class Provider(Noting):
    name, keeps = "provider", False


async def later(office: Office, seconds: int) -> None:
    """Tokens come in by the database's clock."""
    await office.change(f"UPDATE send_rates SET at = at - interval '{seconds} seconds'")


async def test_mail_to_a_domain_that_had_its_share_waits_and_others_go_past_it(office: Office):
    people = [person(f"c{n}", email=f"c{n}@{'qq.com' if n < 150 else 'other.cn'}") for n in range(200)]
    await office.tell(opened(), *people)
    sender, began = office.sender(Provider(), pace=Pace(None, 2)), time.monotonic()
    await sender.send_all()
    await sender.send_all()
    query = "SELECT split_part(recipient, '@', 2), count(*) FROM messages WHERE status = 'sent' GROUP BY 1"
    sent = dict(await office.rows(query))
    came_in = 2 * (time.monotonic() - began + 1)  # the database's clock goes on while we send
    assert sent.keys() == {"qq.com", "other.cn"}
    assert all(20 <= number <= 20 + came_in for number in sent.values())
    waits = await office.rows("SELECT DISTINCT reason FROM messages WHERE status = 'requested'")
    assert waits == [("its domain has had its share",)]
    for _ in range(20):
        await later(office, 6)
        await sender.send_all()
    assert await office.statuses() == {"sent": 200}


async def test_no_more_mails_leave_than_the_rate_allows(office: Office):
    await office.tell(opened(), *[person(f"c{n}") for n in range(80)])
    sender = office.sender(Provider(), pace=Pace(3))
    found = []
    for _ in range(3):
        await sender.send_all()
        found.append((await office.statuses())["sent"])
        await later(office, 300)
    assert 30 <= found[0] < 60
    assert (found[1] - found[0] >= 30 or found[1] == 80, found[2]) == (True, 80)


@contextmanager
def two_senders(url: str, sendgrid_server: SendGridStandIn, **more: str) -> Iterator[None]:
    """Two processes, at work once either has sent something."""
    processes = [start_sender(url, sendgrid_server, **more) for _ in range(2)]
    try:
        until(lambda: sendgrid_server.asked > 0)
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()


@pytest.mark.slow
@pytest.mark.parametrize("bound", ["YINFENG_MAIL_RATE", "YINFENG_MAIL_DOMAIN_RATE"])
async def test_two_processes_together_send_no_more_than_the_rate_allows(
    office: Office, database_url: str, sendgrid_server: SendGridStandIn, bound: str
):
    await office.tell(opened(), *[person(f"c{n}", email=f"c{n}@qq.com") for n in range(300)])
    with two_senders(database_url, sendgrid_server, **{bound: "4"}):
        began = time.monotonic()
        await asyncio.to_thread(until, lambda: len(sendgrid_server.accepted) >= 44)
        await asyncio.sleep(3)
        gone, passed = len(sendgrid_server.accepted), time.monotonic() - began
    assert gone <= 40 + 4 * (passed + 2)


@pytest.mark.slow
async def test_two_processes_try_a_channel_that_rests_with_one_mail_together(
    office: Office, database_url: str, sendgrid_server: SendGridStandIn
):
    await office.tell(opened(), *[person(f"c{n}") for n in range(200)])
    sendgrid_server.script = [Answer(429)] * 1000
    with two_senders(database_url, sendgrid_server):
        while not await office.rows("SELECT FROM channel_rests"):
            await asyncio.sleep(0.01)
        await asyncio.sleep(1)
        at_first = sendgrid_server.asked
        await asyncio.to_thread(until, lambda: sendgrid_server.asked > at_first)
        await asyncio.sleep(3)
        tried = sendgrid_server.asked - at_first
    assert at_first <= 2 * 2 * AT_ONCE
    assert tried <= 3
    assert await office.rows("SELECT failures > 1 FROM channel_rests") == [(True,)]


async def test_a_sender_that_stops_before_it_tried_a_channel_that_rests_leaves_it_at_rest(office: Office):
    await office.tell(opened(), person("c1"))
    await office.change(
        "INSERT INTO channel_rests (channel, kinds, reason, until, failures)"
        " VALUES ('provider', '{}', 'provider: 401', now() - interval '1 second', 5)"
    )
    before = await office.rows("SELECT * FROM channel_rests")
    channel = Slow()
    sender = office.sender(channel)
    channel.before_it_begins = sender.close
    await sender.send_all()
    assert (channel.gone, await office.statuses()) == ([], {"requested": 1})
    assert await office.rows("SELECT * FROM channel_rests") == before


async def test_a_sender_that_stood_still_until_its_lease_ended_sends_nothing_of_what_others_may_have_sent(
    office: Office,
):
    await office.tell(opened(), *[person(f"c{n}") for n in range(5)])
    channel, others = Slow(), Slow()

    async def lose_the_claims() -> None:
        await office.change(EXPIRE)
        office.clock.ahead = timedelta(seconds=channel.lease)
        await office.sender(others, owner="other").sweep()
        await office.change("UPDATE messages SET status = 'requested' WHERE id <= 3 AND status = 'unknown'")
        await office.sender(others, owner="other").send_all()

    channel.before_it_begins = lose_the_claims
    await office.sender(channel).send_all()
    assert (len(others.gone), len(channel.gone)) == (3, 2)
    assert not set(channel.gone) & set(others.gone)
    assert await office.statuses() == {"sent": 5}
    assert await office.rows("SELECT DISTINCT attempts FROM messages WHERE id > 3") == [(1,)]


async def test_mail_goes_again_soon_after_the_databases_clock_was_put_back(office: Office):
    await office.tell(opened(), *[person(f"c{n}", email=f"c{n}@qq.com") for n in range(60)])
    sender = office.sender(Provider(), pace=Pace(2, 1))
    await sender.send_all()
    gone = (await office.statuses())["sent"]
    await later(office, -3600)
    await office.change(DUE)
    await sender.sweep()
    await sender.send_all()
    assert gone < (await office.statuses())["sent"] <= 2 * gone


@pytest.mark.parametrize(("portion", "looks"), [(10, 2), (5, 4)])
async def test_further_lanes_look_for_messages_where_the_first_found_many(
    office: Office, monkeypatch: pytest.MonkeyPatch, portion: int, looks: int
):
    """Each lane that looks ends with a look that finds nothing; once nothing is due, none looks."""
    await office.tell(opened(), *[person(f"c{n}") for n in range(5)])
    channel, claim, looked = Slow(), Claims.claim, []
    channel.portion = portion

    async def looking(self: Claims, conn: Conn, route: Route, limit: int, may_begin: MayBegin) -> Portion | None:
        looked.append(route.lanes)
        return await claim(self, conn, route, limit, may_begin)

    monkeypatch.setattr(Claims, "claim", looking)
    await office.sender(channel, lanes=3).send_all()
    assert looked.count(3) == looks
    assert await office.statuses() == {"sent": 5}


async def test_of_two_lanes_none_takes_the_others_claim_for_its_own(office: Office, monkeypatch: pytest.MonkeyPatch):
    """One lane's connection is lost before its claim is committed; the other claims the same messages meanwhile."""
    await office.tell(opened(), *[person(f"c{n}") for n in range(5)])
    channel, lost, handed_over, asked = Slow(), asyncio.Event(), asyncio.Event(), asyncio.Event()
    channel.portion = 5
    claim, is_committed, began = Claims.claim, Portions._is_committed, []

    async def losing(self: Claims, conn: Conn, route: Route, limit: int, may_begin: MayBegin) -> Portion | None:
        if route.lanes == 1:
            return await claim(self, conn, route, limit, may_begin)
        began.append(route)
        if len(began) > 1:
            await lost.wait()
            return await claim(self, conn, route, limit, may_begin)
        portion = await claim(self, conn, route, limit, may_begin)
        await office.change(f"SELECT pg_terminate_backend({conn.info.backend_pid}, 10000)")
        lost.set()
        return portion

    async def asking_later(self: Portions, portion: Portion) -> bool:
        await handed_over.wait()
        found = await is_committed(self, portion)
        asked.set()
        return found

    async def hand_over() -> None:
        handed_over.set()
        await asked.wait()

    monkeypatch.setattr(Claims, "claim", losing)
    monkeypatch.setattr(Portions, "_is_committed", asking_later)
    channel.before_it_begins = hand_over
    with suppress(DatabaseUnavailable):
        await office.sender(channel, lanes=2).send_all()
    assert len(channel.gone) == 5
    assert await office.statuses() == {"sent": 5}


async def test_links_are_signed_with_the_secret_that_stands(office: Office, monkeypatch: pytest.MonkeyPatch):
    """The first claim of all makes it, and is lost."""
    claim, channel = Claims.claim, Provider()
    made: list[Portion] = []
    sent: list[Mail] = []

    async def losing(self: Claims, conn: Conn, route: Route, limit: int, may_begin: MayBegin) -> Portion | None:
        portion = await claim(self, conn, route, limit, may_begin)
        if portion is not None and not made:
            await office.change(f"SELECT pg_terminate_backend({conn.info.backend_pid}, 10000)")
            made.append(portion)
        return portion

    async def noting(mails: Sequence[Mail], begin: Any = None) -> list[Outcome]:
        sent.extend(mails)
        return await Provider.send(channel, mails, begin)

    monkeypatch.setattr(Claims, "claim", losing)
    channel.send = noting  # type: ignore[method-assign]
    await office.tell(opened(), person("c1"))
    await until_done(office.sender(channel))
    async with office.pool.connection() as conn:
        links = await load_links(conn, "https://park.example")
    one, other = (re.findall(r"/me/([\w.-]+)", mail.text)[0] for mail in (made[0].mails[0], sent[0]))
    assert one != other
    assert links.read("me", other)


class Slow(Provider):
    """A provider before which something happens when mails were handed over, the first time."""

    def __init__(self) -> None:
        super().__init__()
        self.gone: list[int] = []
        self.before_it_begins: Callable[[], Awaitable[None]] | None = None

    async def send(self, mails: Sequence[Mail], begin: Any = None) -> list[Outcome]:
        happens, self.before_it_begins = self.before_it_begins, None
        if happens is not None:
            await happens()
        mine = await begin(mails)
        self.gone += [mail.id for mail in mails if mail.id in mine]
        return [SENT if mail.id in mine else TAKEN for mail in mails]

    def at_once(self, mails: list[Mail]) -> list[Mail]:
        return mails


class Failing:
    """A channel in which one portion fails in a way that nobody foresaw, while others are under way."""

    name, keeps, portion, lease = "sendgrid", False, 10, 60.0

    def __init__(self) -> None:
        self.sent: list[int] = []

    async def send(self, mails: list[Mail], begin: Any = None) -> list[Outcome]:
        if mails[0].id == 1:
            raise SystemError("dead")
        await asyncio.sleep(0.2)
        self.sent += [mail.id for mail in mails]
        return [Outcome("sent") for _ in mails]

    def at_once(self, mails: list[Mail]) -> list[Mail]:
        return []

    async def close(self) -> None: ...


async def test_what_other_lanes_sent_is_recorded_when_one_fails(office: Office):
    await office.tell(opened(), *[person(f"c{n}") for n in range(30)])
    channel = Failing()
    with pytest.raises(SystemError):
        await office.sender(channel, lanes=3).send_all()
    assert await office.statuses() == {"sent": 20, "claimed": 10}
    assert len(set(channel.sent)) == 20


class Uneven(Provider):
    """A provider that keeps its first portion until as many mails as `others` have gone in other lanes."""

    def __init__(self, others: int) -> None:
        super().__init__()
        self._left, self._kept, self._went = others, False, asyncio.Event()

    async def send(self, mails: Sequence[Mail], begin: Any = None) -> list[Outcome]:
        if not self._kept:
            self._kept = True
            await self._went.wait()
        else:
            self._left -= len(mails)
            if self._left <= 0:
                self._went.set()
        return await super().send(mails, begin)


async def test_a_slow_portion_holds_up_no_other_lane(office: Office):
    await office.tell(opened(), *[person(f"c{n}") for n in range(100)])
    channel = Uneven(others=80)
    async with asyncio.timeout(30):
        await office.sender(channel, lanes=2).send_all()
    assert await office.statuses() == {"sent": 100}


CLAIMING = "SELECT FROM pg_stat_activity WHERE datname = current_database() AND state = 'idle in transaction'"


class UnderWay(Provider):
    """A provider that counts how many portions it has at once. It keeps two of them until another is being claimed."""

    def __init__(self, office: Office) -> None:
        super().__init__()
        self._office, self.has, self.most, self.others = office, 0, 0, False

    async def send(self, mails: Sequence[Mail], begin: Any = None) -> list[Outcome]:
        self.has += 1
        self.most = max(self.most, self.has)
        while not self.others:
            self.others = bool(await self._office.rows(CLAIMING)) and self.has == 2
            await asyncio.sleep(0.01)
        self.has -= 1
        return await super().send(mails, begin)


async def test_of_three_lanes_two_are_under_way_and_the_third_waits_with_what_goes_next(office: Office):
    await office.tell(opened(), *[person(f"c{n}") for n in range(200)])
    channel = UnderWay(office)
    async with asyncio.timeout(60):
        await office.sender(channel, lanes=3).send_all()
    assert await office.statuses() == {"sent": 200}
    assert channel.most == 2


WAITS_TO_BEGIN = """SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
    WHERE datname = current_database() AND state = 'idle in transaction'"""


async def until_done(sender: Sender) -> None:
    """A lost connection is no fault of ours: it is sent on."""
    with suppress(DatabaseUnavailable):
        await sender.send_all()
    await sender.send_all()


@pytest.mark.parametrize("connection_lost", [False, True])
async def test_what_waits_long_to_go_is_let_go_of(office: Office, connection_lost: bool):
    await office.tell(opened(), *[person(f"c{n}") for n in range(60)])
    channel, free = Provider(), "SELECT id FROM messages WHERE status = 'requested' FOR UPDATE SKIP LOCKED"
    handed_over, goes_on = 0, asyncio.Event()

    async def keeping(mails: Sequence[Mail], begin: Any = None) -> list[Outcome]:
        nonlocal handed_over
        handed_over += len(mails)
        await goes_on.wait()
        return await Provider.send(channel, mails, begin)

    channel.send = keeping  # type: ignore[method-assign]
    sender = office.sender(channel, lanes=3)
    async with asyncio.TaskGroup() as group:
        sending = group.create_task(until_done(sender))
        await asyncio.sleep(LONGEST_LOCKED / 2)
        if connection_lost:
            assert len(await office.rows(WAITS_TO_BEGIN)) == 1
        await asyncio.sleep(LONGEST_LOCKED / 2 + 1)
        waits = (await office.statuses())["requested"]
        assert waits == 60 - handed_over
        assert len(await office.rows(free)) == waits
        goes_on.set()
        await sending
    assert await office.statuses() == {"sent": 60}


@pytest.mark.parametrize("pace", [Pace(rate=1000), Pace(domain_rate=1000)])
async def test_a_portion_that_waits_holds_nothing_that_other_senders_draw_from(office: Office, pace: Pace):
    await office.tell(opened(), *[person(f"c{n}") for n in range(60)])
    channel, goes_on, under_way = Provider(), asyncio.Event(), asyncio.Semaphore(0)

    async def keeping(mails: Sequence[Mail], begin: Any = None) -> list[Outcome]:
        under_way.release()
        await goes_on.wait()
        return await Provider.send(channel, mails, begin)

    channel.send = keeping  # type: ignore[method-assign]
    async with asyncio.TaskGroup() as group:
        sending = group.create_task(office.sender(channel, lanes=3, pace=pace).send_all())
        for _ in range(2):
            await under_way.acquire()
        await asyncio.sleep(LONGEST_LOCKED / 2)  # the third one waits by then
        drawn = await office.rows("SELECT FROM send_rates")
        assert drawn
        assert len(await office.rows("SELECT FROM send_rates FOR UPDATE SKIP LOCKED")) == len(drawn)
        goes_on.set()
        await sending
    assert await office.statuses() == {"sent": 60}


async def test_routes_of_one_channel_do_not_put_back_the_rest_that_one_of_them_ends(office: Office):
    await office.tell(opened(), target("t", "signed_up", goal=1), *[person(f"c{n}") for n in range(30)])
    async with office.pool.connection() as conn:
        await channel_rests.note(conn, "provider", ["offer"], "away", datetime.now(UTC) - timedelta(seconds=1))
    channel = Provider()
    await office.sender(channel, hr_email="hr@park.example", lanes=2).send_all()
    assert set(await office.statuses()) == {"sent"}
    assert await office.rows("SELECT channel FROM channel_rests") == []


async def test_a_channel_that_rested_is_tried_by_whichever_route_has_something_to_try_it_with(office: Office):
    await office.tell(opened(), person("c1"))
    await office.sender(Provider()).send_all()
    await office.tell(target("t", "signed_up", goal=1))
    async with office.pool.connection() as conn:
        await channel_rests.note(conn, "provider", ["milestone"], "away", datetime.now(UTC) - timedelta(seconds=1))
    channel = Provider()
    await office.sender(channel, hr_email="hr@park.example").send_all()
    assert "target_reached" in channel.kinds
    assert set(await office.statuses()) == {"sent"}
    assert await office.rows("SELECT channel FROM channel_rests") == []


class SecondsPassing(Provider):
    """A provider that takes a second for each portion; with the first one HR is told of something."""

    def __init__(self, office: Office) -> None:
        super().__init__()
        self._office = office

    async def send(self, mails: Sequence[Mail], begin: Any = None) -> list[Outcome]:
        if not self.kinds:
            await self._office.tell(target("t", goal=1), hired("c1"))
        self._office.clock.ahead += timedelta(seconds=1)
        return await super().send(mails, begin)


async def test_what_becomes_due_meanwhile_does_not_wait_for_the_end_of_a_long_queue(office: Office):
    await office.tell(opened(), *[person(f"c{n}") for n in range(200)])
    channel = SecondsPassing(office)
    await office.sender(channel, hr_email="hr@park.example").send_all()
    assert channel.kinds.index("target_reached") < 100
    assert channel.kinds.count("signup_confirmation") == 200


async def test_lanes_send_each_message_once(office: Office, sendgrid: SendGrid, sendgrid_server: SendGridStandIn):
    await office.tell(opened(), *[person(f"c{n}") for n in range(200)])
    await office.sender(sendgrid, lanes=3).send_all()
    assert await office.statuses() == {"sent": 200}
    assert set(sendgrid_server.ids().values()) == {1}
    assert len(sendgrid_server.ids()) == 200


async def test_who_has_nothing_to_send_holds_one_connection(office: Office, database_url: str):
    await office.tell(opened(), person("c1"))
    async with make_pool(database_url, name="test") as pool:
        sender = Office(pool).sender(Provider(), lanes=3)
        for _ in range(3):
            await sender.sweep()
            await office.sender(Provider()).send_all()
            await sender.send_all()
        assert pool.get_stats()["pool_size"] == 1


async def test_messages_go_in_the_order_in_which_they_were_asked_for(office: Office):
    await office.tell(opened(), target("t", goal=1), person("c1"), offer("c1"), hired("c1"))
    rows = await office.rows("SELECT kind, params->>'percent' FROM messages WHERE not_before IS NULL ORDER BY id")
    assert [percent for _, percent in rows if percent] == ["25", "50", "75", "90", "100"]
    own = [kind for kind, percent in rows if not percent]
    assert [kind for kind in own if kind in ("signup_confirmation", "offer", "welcome")] == [
        "signup_confirmation",
        "offer",
        "welcome",
    ]
