"""What comes after a person was erased, or in the same moment: nothing of it can be read."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from notifications.channels.mailbox import Mailbox
from notifications.channels.port import SENT, TAKEN, Begin, Mail, Outcome, all_begin
from storage.database import Conn
from storage.ledger import dead_letters
from storage.ledger.dead_letters import DeadLetter
from storage.messages import reading
from tests.facts import CAMPAIGN, event, opened, signed_up
from tests.integration.office import Office

ERASED_AT = "2026-04-01T09:00:00+08:00"
BEFORE, AFTER = "2026-03-10T09:00:00+08:00", "2026-05-01T09:00:00+08:00"
ERASED = event("candidate.erased", candidate="c1", time=ERASED_AT)


@pytest.fixture
async def conn(office: Office) -> AsyncIterator[Conn]:
    async with office.pool.connection() as connection:
        yield connection


def broken(time: str | None, *, name: str = "李思雨", candidate: str = "c1") -> dict[str, Any]:
    """A record that is no fact, about a person."""
    said = {**signed_up(candidate, name=name), "type": "candidate.signedup", "time": time}
    return {key: value for key, value in said.items() if value is not None}


def in_headers(time: str) -> DeadLetter:
    """The same as an event in binary form."""
    value = json.dumps({"campaign": CAMPAIGN, "candidate": "c1", "name": "李思雨"}, ensure_ascii=False).encode()
    return DeadLetter(
        topic="yinfeng.facts", partition=0, offset=9, key=None, value=value, headers={"ce_time": time}, reason="no fact"
    )


async def letters(conn: Conn) -> str:
    return "".join(each.value.decode() for each in await dead_letters.listed(conn))


@pytest.mark.parametrize("time", [BEFORE, ERASED_AT, "2026-04-01T09:00:00", "soon", "0001-01-01T00:00:00+14:00", None])
@pytest.mark.parametrize("lives_again", [False, True])
async def test_a_dead_letter_of_who_was_erased_is_nothing_but_its_place(
    office: Office, conn: Conn, time: str | None, lives_again: bool
):
    await office.tell(opened(), signed_up("c1", name="李思雨", time=BEFORE), ERASED)
    if lives_again:
        await office.tell(signed_up("c1", name="Another", time=AFTER))
    await office.tell(broken(time))
    assert await dead_letters.count(conn) == 1
    assert "李思雨" not in await letters(conn)
    assert [each.reason for each in await dead_letters.listed(conn)] == ["its person was erased, or is restricted"]


async def test_a_dead_letter_of_a_later_life_is_kept_whatever_came_with_it(office: Office, conn: Conn):
    await office.tell(opened(), signed_up("c1", name="李思雨", time=BEFORE), ERASED)
    await office.tell(broken(AFTER, name="Another"), broken(BEFORE))
    said = await letters(conn)
    assert "Another" in said
    assert "李思雨" not in said


@pytest.mark.parametrize(("time", "there"), [(BEFORE, False), (AFTER, True)])
async def test_when_it_was_said_may_stand_in_a_header(office: Office, conn: Conn, time: str, there: bool):
    await office.tell(opened(), ERASED)
    await dead_letters.bury(conn, [in_headers(time)])
    assert ("李思雨" in await letters(conn)) is there


async def test_nothing_beside_facts_gives_who_was_erased_a_key_again(office: Office, conn: Conn):
    fair = event("fair.scheduled", fair="f1", title="Spring", mode="onsite", starts_at="2094-03-08T09:00:00+08:00",
                 ends_at="2094-03-08T16:00:00+08:00")  # fmt: skip
    await office.tell(opened(), fair, signed_up("c1", name="李思雨", email="li@example.com", fair="f1", time=BEFORE))

    class Erasing(Mailbox):
        """The person is erased while their mail is under way."""

        async def send(self, mails: list[Mail], begin: Begin = all_begin) -> list[Outcome]:  # type: ignore[override]
            await office.tell(ERASED)
            return [SENT for _ in mails]

    await office.sender(Erasing()).send_all()
    assert await office.rows("SELECT key FROM vault.person WHERE candidate = 'c1'") == [(None,)]
    assert await office.rows("SELECT count(*) FROM mails") == [(0,)]


class Interrupted(Mailbox):
    """A channel before which somebody of whom the first mail tells is erased."""

    name = "interrupted"

    def __init__(self, office: Office, *, keeps: bool) -> None:
        self._office, self.keeps = office, keeps
        self.went: list[str] = []
        self._said = False

    async def send(self, mails: list[Mail], begin: Begin = all_begin) -> list[Outcome]:  # type: ignore[override]
        if not self._said and any(mail.kind == "offer_answered" for mail in mails):
            self._said = True
            await self._office.tell(event("candidate.erased", candidate="c2", time=AFTER))
        mine = {mail.id for mail in mails} if self.keeps else await begin(mails)
        self.went += [mail.text for mail in mails if mail.id in mine]
        return [SENT if mail.id in mine else TAKEN for mail in mails]


@pytest.mark.parametrize("keeps", [False, True])
async def test_hr_is_told_again_without_who_was_erased_while_the_mail_was_under_way(
    office: Office, conn: Conn, keeps: bool
):
    people = [signed_up(f"c{n}", name=f"Li {n}", email=f"c{n}@example.com", time=BEFORE) for n in (1, 2, 3)]
    offer = {"employer": "huayou", "position": "Engineer", "time": "2026-03-11T09:00:00+08:00"}
    offers = [event("offer.extended", candidate=f"c{n}", offer=f"o{n}", **offer) for n in (1, 2, 3)]
    answers = [event("offer.accepted", candidate=f"c{n}", offer=f"o{n}", time=ERASED_AT) for n in (1, 2, 3)]
    await office.tell(opened(locale="en"), *people, *offers, *answers)
    channel = Interrupted(office, keeps=keeps)
    await office.sender(channel, hr_email="hr@park.example").send_all()
    kept = await office.rows(
        "SELECT message FROM mails JOIN messages m ON m.id = message WHERE kind = 'offer_answered'"
    )
    [mail] = [await reading.mail(conn, id) for (id,) in kept]
    assert mail is not None
    assert ("Li 1" in mail.text, "Li 2" in mail.text, "Li 3" in mail.text) == (True, False, True)
    if not keeps:
        told = [text for text in channel.went if "accepted" in text]
        assert [("Li 2" in text, "Li 3" in text) for text in told] == [(False, True)]
    statuses = await office.rows("SELECT candidate, status FROM messages WHERE kind = 'offer_answered' ORDER BY 1")
    assert statuses == [("c1", "sent"), ("c2", "cancelled"), ("c3", "sent")]
