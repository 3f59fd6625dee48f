"""Employers are told of their own offers, at the address that they gave; and nobody else is."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from schemas.errors import NotFound
from schemas.kinds import EMPLOYER_KINDS
from storage.database import connect
from storage.messages import reading
from storage.messages.reading import MessageFilter
from streams.audit import audit
from tests.facts import event, opened, retraction, signed_up
from tests.integration.office import Office

HUAYOU = event(
    "employer.set", employer="huayou", name="华友钴业", name_en="Huayou Cobalt", reply_to="jobs@huayou.example"
)


def person(candidate: str) -> dict[str, Any]:
    return signed_up(candidate, name=f"求职者 {candidate}", email=f"{candidate}@example.com")


def offer(what: str, candidate: str = "c1", employer: str = "huayou", **more: Any) -> dict[str, Any]:
    terms = {"employer": employer, "position": "工艺工程师"} if what == "extended" else {}
    return event(f"offer.{what}", candidate=candidate, offer=f"o-{candidate}", **terms, **more)


async def told(office: Office) -> list[Any]:
    return await office.rows(
        "SELECT kind, status, recipient, reason FROM messages WHERE kind = ANY(%s) ORDER BY id", [list(EMPLOYER_KINDS)]
    )


async def test_an_employer_is_told_of_the_answer_where_it_has_an_address(office: Office):
    unnamed = offer("extended", "c3", employer="beta")
    await office.tell(opened(), HUAYOU, person("c1"), person("c2"), person("c3"))
    await office.tell(offer("extended"), offer("extended", "c2"), unnamed)
    later = {"time": "2026-03-09T09:00:00+08:00"}
    await office.tell(
        offer("accepted", **later),
        offer("declined", "c2", reason="去了别处", **later),
        offer("accepted", "c3", **later),
    )
    await office.sender().send_all()
    assert await told(office) == [
        ("offer_accepted", "sent", "jobs@huayou.example", None),
        ("offer_declined", "sent", "jobs@huayou.example", None),
        ("offer_accepted", "cancelled", None, "the employer has given no address"),
    ]
    mails = await office.rows(
        "SELECT text FROM mails JOIN messages m ON m.id = message WHERE recipient = 'jobs@huayou.example' ORDER BY m.id"
    )
    assert "求职者 c1已接受华友钴业的录用" in mails[0][0]
    assert "去了别处" in mails[1][0]


async def test_the_same_answer_again_is_told_once_and_a_changed_one_anew(office: Office):
    await office.tell(opened(), HUAYOU, person("c1"), offer("extended"))
    for day, what in enumerate(("accepted", "accepted", "declined", "accepted"), start=9):
        await office.tell(offer(what, time=f"2026-03-{day:02}T09:00:00+08:00"))
        await office.sender().send_all()
    sent = await office.rows("SELECT count(*)::int FROM message_attempts a JOIN messages m ON m.id = a.message"
                             " WHERE a.status = 'sent' AND m.kind = ANY(%s)", [list(EMPLOYER_KINDS)])  # fmt: skip
    assert sent == [(3,)]


async def test_an_offer_that_nobody_answers_is_told_of_when_it_expires(office: Office):
    soon = (office.clock() + timedelta(hours=1)).isoformat()
    await office.tell(opened(), HUAYOU, person("c1"), person("c2"))
    await office.tell(offer("extended", expires_at=soon), offer("extended", "c2", expires_at=soon))
    await office.tell(offer("accepted", "c2", time="2026-03-09T09:00:00+08:00"))
    await office.sender().send_all()
    assert [row[:2] for row in await told(office)] == [
        ("offer_expired", "requested"), ("offer_expired", "requested"), ("offer_accepted", "sent")
    ]  # fmt: skip
    await office.change("UPDATE messages SET not_before = now() WHERE not_before IS NOT NULL")
    office.clock.ahead = timedelta(hours=2)
    await office.sender().send_all()
    assert [row[:3] for row in await told(office)] == [
        ("offer_expired", "sent", "jobs@huayou.example"),
        ("offer_expired", "cancelled", None),
        ("offer_accepted", "sent", "jobs@huayou.example"),
    ]


async def test_who_sees_these_messages_is_who_sees_the_candidate(office: Office):
    await office.tell(opened(), HUAYOU, person("c1"), offer("extended"))
    await office.tell(offer("accepted", time="2026-03-09T09:00:00+08:00"))
    await office.sender().send_all()
    async with office.pool.connection() as conn:
        for employer, seen in (("huayou", 1), ("beta", 0)):
            found = await reading.listed(
                conn, MessageFilter(employer=employer, kind="offer_accepted"), before=None, limit=9
            )
            assert len(found) == seen
        [message] = await reading.listed(conn, MessageFilter(kind="offer_accepted"), before=None, limit=9)
        with pytest.raises(NotFound):
            await reading.fetch(conn, message.id, employer="beta")


async def test_an_employer_that_posted_the_offer_itself_and_sees_the_candidate_no_more_is_told_nothing(office: Office):
    said = offer("extended", id="own")
    await office.tell(opened(), HUAYOU, person("c1"), said)
    await office.change(
        "INSERT INTO keys (key, name, role, employer, hash) VALUES ('k', 'k', 'employer', 'huayou', '')"
    )
    await office.change("UPDATE facts SET posted_by = 'key:k' WHERE id = 'own'")
    await office.tell(offer("accepted", time="2026-03-09T09:00:00+08:00"))
    await office.sender().send_all()
    assert await told(office) == [("offer_accepted", "cancelled", None, "the employer does not see this candidate")]


async def test_the_audit_asks_for_these_messages_since_they_are_known(office: Office, database_url: str):
    await office.tell(opened(), HUAYOU, person("c1"), offer("extended"), retraction("none"))
    await office.tell(offer("accepted", time="2026-03-09T09:00:00+08:00"))
    await office.change("DELETE FROM messages WHERE kind = 'offer_accepted'")

    async def drift() -> int:
        async with await connect(database_url, name="audit") as conn:
            return (await audit(conn)).drift

    assert await drift() == 1
    await office.change("INSERT INTO secrets (name, value) VALUES ('asked_since:offer_accepted',"
                        " convert_to((now() + interval '1 hour')::text, 'UTF8'))")  # fmt: skip
    assert await drift() == 0
