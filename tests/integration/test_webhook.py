"""SendGrid's event webhook on the real web app and a real Postgres: signed requests in, messages settled."""

from __future__ import annotations

import asyncio
import itertools
import json
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from notifications.channels.port import Mail, Outcome
from notifications.channels.sendgrid_signature import OLDEST
from notifications.channels.sendgrid_webhook import MOST_BYTES
from notifications.rules.statuses import RANKS
from schemas.settings import Settings
from storage.database import make_pool
from storage.messages import provider_events
from tests.facts import event, opened, signed_up
from tests.integration.office import Office
from tests.sendgrid_webhook import HARD, PATH, happened, public_text, signed, tell
from yinfeng.web.app import create_app

KEY = ec.generate_private_key(ec.SECP256R1())
OFFER = {"offer": "o1", "employer": "huayou", "position": "Engineer"}


ANYBODY = "c1@example.com"  # unless a test says otherwise


@dataclass
class Desk:
    """An office whose web app takes SendGrid's word."""

    office: Office
    http: httpx.AsyncClient

    async def hears(self, *events: dict[str, Any]) -> None:
        answer = await tell(self.http, KEY, *await self.named(*events))
        assert (answer.status_code, answer.content) == (204, b"")

    async def named(self, *events: dict[str, Any]) -> list[dict[str, Any]]:
        """The events, with the names and the addresses of our messages where they have but the numbers."""
        names = await self.office.names()
        rows = await self.office.rows("SELECT id, lower(recipient) FROM messages")
        known = {str(id): (names[id], address) for id, address in rows}
        return [_named(each, known) for each in events]

    async def status(self, id: int = 1) -> str:
        [(status,)] = await self.office.rows("SELECT status FROM messages WHERE id = %s", [id])
        return str(status)

    async def log(self, id: int = 1) -> list[str]:
        query = "SELECT status FROM message_attempts WHERE message = %s ORDER BY id"
        return [status for (status,) in await self.office.rows(query, [id])]

    async def suppressed(self) -> list[tuple[str, str]]:
        return await self.office.rows("SELECT address, kind FROM suppressions WHERE lifted_at IS NULL ORDER BY 1, 2")


@pytest.fixture
async def desk(database_url: str) -> AsyncIterator[Desk]:
    app = create_app(Settings(database_url=database_url, kafka="127.0.0.1:1", sendgrid_webhook_key=public_text(KEY)))
    client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test")
    async with make_pool(database_url, name="test") as pool, app.router.lifespan_context(app), client as http:
        yield Desk(Office(pool), http)


def _named(event: dict[str, Any], known: dict[str, tuple[str, str | None]]) -> dict[str, Any]:
    if event.get("yinfeng_message") not in known:
        return event
    nonce, address = known[event["yinfeng_message"]]
    email = address if address and event["email"] == ANYBODY else event["email"]
    return {**event, "yinfeng_message": nonce, "email": email}


class Silent:
    """A provider of which nobody knows whether it took a mail."""

    name, keeps, portion, lease = "sendgrid", False, 200, 60.0

    async def send(self, mails: list[Mail], begin: Any = None) -> list[Outcome]:
        return [Outcome("unknown", "no answer came") for _ in mails]

    def at_once(self, mails: list[Mail]) -> list[Mail]:
        return []

    async def close(self) -> None: ...


class Quick:
    """A provider whose events come before its answer is recorded."""

    name, keeps, portion, lease = "sendgrid", False, 200, 60.0

    def __init__(self, desk: Desk, name: str, **more: Any) -> None:
        self._desk, self._name, self._more = desk, name, more

    async def send(self, mails: list[Mail], begin: Any = None) -> list[Outcome]:
        await self._desk.hears(*[happened(self._name, mail.id, email=mail.to, **self._more) for mail in mails])
        return [Outcome("sent") for _ in mails]

    def at_once(self, mails: list[Mail]) -> list[Mail]:
        return []

    async def close(self) -> None: ...


def person(candidate: str) -> dict[str, Any]:
    return signed_up(candidate, email=f"{candidate.upper()}@Example.com")


async def sent(desk: Desk, *facts: dict[str, Any]) -> None:
    await desk.office.tell(opened(), person("c1"), *facts)
    await desk.office.sender().send_all()


async def test_a_delivery_is_recorded_with_what_was_said(desk: Desk):
    await sent(desk)
    await desk.hears(happened("processed", 1), happened("delivered", 1, response="250 OK"))
    assert await desk.status() == "delivered"
    assert await desk.log() == ["claimed", "sent", "delivered"]
    [(detail, reason)] = await desk.office.rows(
        "SELECT detail, reason FROM message_attempts a JOIN messages m ON m.id = message WHERE a.status = 'delivered'"
    )
    assert detail == reason == "the provider says: delivered 250 OK"


async def counted(desk: Desk) -> dict[tuple[str, provider_events.Finding], int]:
    """What `/metrics` says was told."""
    async with desk.office.pool.connection() as conn:
        return await provider_events.counted(conn)


async def test_replays_change_nothing(desk: Desk):
    await sent(desk)
    events = [happened("bounce", 1, **HARD), happened("delivered", 1)]
    for again in range(5):
        renamed = [{**each, "sg_event_id": f"{each['sg_event_id']}-{again // 2}"} for each in events]
        await desk.hears(*renamed, *renamed)
    assert await desk.log() == ["claimed", "sent", "bounced"]
    assert await desk.office.rows("SELECT count(*) FROM provider_events") == [(2,)]
    assert await counted(desk) == {("bounce", "ours"): 1, ("delivered", "ours"): 1}
    assert await desk.suppressed() == [("c…@example.com", "hard_bounce")]


async def test_the_same_events_at_the_same_time_count_once(desk: Desk):
    await sent(desk, *[person(f"c{n}") for n in range(2, 30)])
    events = [happened(name, id, **HARD) for id in range(1, 30) for name in ("delivered", "bounce", "spamreport")]
    events = await desk.named(*events)
    answers = await asyncio.gather(*[tell(desk.http, KEY, *events[n:], *events[:n]) for n in range(0, 80, 8)])
    assert {answer.status_code for answer in answers} == {204}
    assert await desk.office.statuses() == {"complained": 29}
    assert await desk.office.rows("SELECT count(*) FROM provider_events") == [(len(events),)]
    assert await counted(desk) == {(name, "ours"): 29 for name in ("delivered", "bounce", "spamreport")}


PAIRS = list(itertools.permutations(["processed", "delivered", "bounce", "dropped", "spamreport"], 2))
ENDS = {"processed": "sent", "delivered": "delivered", "bounce": "bounced", "dropped": "dropped",
        "spamreport": "complained"}  # fmt: skip


async def test_out_of_order_events_take_no_message_back(desk: Desk):
    await sent(desk, *[person(f"c{n}") for n in range(2, len(PAIRS) + 1)])
    for turn in (0, 1):
        await desk.hears(*[happened(pair[turn], id) for id, pair in enumerate(PAIRS, 1)])
    for id, pair in enumerate(PAIRS, 1):
        highest = max((ENDS[name] for name in pair), key=lambda status: RANKS[status])  # type: ignore[index]
        assert (pair, await desk.status(id)) == (pair, highest)


@pytest.mark.parametrize(
    ("name", "then"),
    [
        ("processed", "sent"),
        ("deferred", "sent"),
        ("delivered", "delivered"),
        ("bounce", "bounced"),
        ("open", "delivered"),
    ],
)
async def test_an_event_with_our_id_settles_what_was_unknown(desk: Desk, name: str, then: str):
    await desk.office.tell(opened(), person("c1"))
    await desk.office.sender(Silent()).send_all()
    assert await desk.status() == "unknown"
    await desk.hears(happened(name, 1))
    assert await desk.status() == then
    assert await desk.office.sender().send_all() == 0


@pytest.mark.parametrize(("name", "then"), [("processed", "sent"), ("delivered", "delivered"), ("dropped", "dropped")])
async def test_a_word_that_comes_before_the_record_stands_and_the_mail_is_kept(desk: Desk, name: str, then: str):
    await desk.office.tell(opened(), person("c1"))
    sender = desk.office.sender(Quick(desk, name))
    assert await sender.send_all() == 1
    assert await desk.log() == ["claimed", then]
    [row] = await desk.office.rows("SELECT status, recipient, subject IS NOT NULL, owner, lease_until FROM messages")
    assert row == (then, "C1@Example.com", True, None, None)
    assert await desk.office.rows("SELECT count(*) FROM mails") == [(1,)]
    await sender.sweep()
    assert await sender.send_all() == 0


async def test_what_nobody_knows_is_passed_over_and_counted(desk: Desk):
    await sent(desk)
    foreign = {**happened("delivered", 1), "sg_event_id": "x", "sg_message_id": "x"}
    del foreign["yinfeng_message"]
    await desk.hears(happened("delivered", 99), happened("bounce", 98, **HARD), foreign)
    assert await desk.status() == "sent"
    assert await desk.suppressed() == []
    found = await desk.office.rows("SELECT finding, count(*) FROM provider_events GROUP BY 1 ORDER BY 1")
    assert found == [("foreign", 1), ("unknown", 2)]


async def test_no_contents_of_events_are_kept(desk: Desk):
    await sent(desk)
    await desk.hears(happened("delivered", 1))
    assert "example" not in str(await desk.office.rows("SELECT * FROM provider_events")).lower()


async def refusal(desk: Desk, body: bytes, headers: dict[str, str]) -> int:
    answer = await desk.http.post(PATH, content=body, headers=headers)
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["detail"]
    return answer.status_code


async def test_what_sendgrid_did_not_sign_is_refused_and_changes_nothing(desk: Desk):
    await sent(desk)
    body = json.dumps([happened("bounce", 1, **HARD)]).encode()
    other = ec.generate_private_key(ec.SECP256R1())
    right = signed(KEY, body)
    wrong = [
        {},
        {name: value for name, value in right.items() if "Signature" not in name},
        {name: value for name, value in right.items() if "Timestamp" not in name},
        signed(other, body),
        signed(KEY, body + b" "),
        signed(KEY, body, time.time() - OLDEST - 60),
        right | {"X-Twilio-Email-Event-Webhook-Timestamp": "1"},
        right | {"X-Twilio-Email-Event-Webhook-Signature": "!!"},
        right | {"X-Twilio-Email-Event-Webhook-Signature": "A" * 8000},
    ]
    assert [await refusal(desk, body, headers) for headers in wrong] == [403] * len(wrong)
    assert await desk.status() == "sent"
    assert await desk.suppressed() == []
    assert await desk.office.rows("SELECT count(*) FROM provider_events") == [(0,)]


@pytest.mark.parametrize("body", [b"", b"nonsense", b"{}", b"[" * 100_000], ids=lambda body: repr(body[:9]))
async def test_signed_garbage_is_refused(desk: Desk, body: bytes):
    assert await refusal(desk, body, signed(KEY, body)) == 400


async def test_a_body_too_large_is_read_no_further(desk: Desk):
    body = b" " * (MOST_BYTES + 1)
    assert await refusal(desk, body, signed(KEY, body)) == 413


async def test_an_empty_array_is_well(desk: Desk):
    await desk.hears()


async def test_without_a_database_sendgrid_is_asked_to_come_again(desk: Desk):
    app = create_app(
        Settings(
            database_url="postgresql://127.0.0.1:1/none", kafka="127.0.0.1:1", sendgrid_webhook_key=public_text(KEY)
        )
    )
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as http:
        assert (await tell(http, KEY, happened("delivered", 1))).status_code == 503


async def test_what_fails_half_way_leaves_nothing_and_is_taken_when_it_comes_again(desk: Desk):
    await sent(desk)
    await desk.office.change("ALTER TABLE suppressions RENAME TO gone")
    [bounce] = await desk.named(happened("bounce", 1, **HARD))
    assert (await tell(desk.http, KEY, bounce)).status_code == 503
    assert (await desk.status(), await desk.log()) == ("sent", ["claimed", "sent"])
    await desk.office.change("ALTER TABLE gone RENAME TO suppressions")
    await desk.hears(bounce)
    assert await desk.status() == "bounced"


async def test_an_offer_that_bounces_is_told_to_hr_once(desk: Desk):
    await sent(desk, event("offer.extended", candidate="c1", **OFFER))
    [(offer,)] = await desk.office.rows("SELECT id FROM messages WHERE kind = 'offer'")
    bounce = happened("bounce", offer, **HARD)
    for again in range(3):
        await desk.hears(bounce, {**bounce, "sg_event_id": f"again-{again}"}, happened("delivered", offer))
    await desk.office.sender().send_all()
    [(status, recipient, subject, params)] = await desk.office.rows(
        "SELECT status, recipient, subject, params FROM messages WHERE kind = 'offer_bounced'"
    )
    assert (status, recipient, subject) == ("sent", "hr@localhost", "录用通知可能未送达：huayou")
    assert params == {**OFFER, "message": offer, "status": "bounced"}
    [(text,)] = await desk.office.rows(
        "SELECT text FROM mails JOIN messages m ON m.id = message WHERE kind = 'offer_bounced'"
    )
    for said in ("邮件被退回", "c1", "Engineer", f"https://park.example/messages/{offer}"):
        assert said in text


async def test_the_bounce_of_another_kind_is_no_word_to_hr(desk: Desk):
    await sent(desk)
    await desk.hears(happened("bounce", 1, **HARD))
    assert await desk.office.rows("SELECT count(*) FROM messages WHERE kind = 'offer_bounced'") == [(0,)]


async def test_an_erased_persons_address_comes_back_by_no_event(desk: Desk):
    await sent(desk, person("c2"))
    await desk.hears(happened("bounce", 1, **HARD))
    assert await desk.suppressed() == [("c…@example.com", "hard_bounce")]
    later = "2026-05-01T00:00:00Z"
    await desk.office.tell(*[event("candidate.erased", candidate=name, time=later) for name in ("c1", "c2")])
    assert await desk.suppressed() == []
    await desk.hears(happened("bounce", 2, email="c2@example.com", **HARD))
    assert (await desk.status(2), await desk.suppressed()) == ("bounced", [])
    tables = ("messages", "message_attempts", "suppressions", "provider_events")
    for table in tables:
        assert "example.com" not in str(await desk.office.rows(f"SELECT {table}::text FROM {table}")).lower()
