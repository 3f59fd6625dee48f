"""What is kept of messages is sealed: under their person's key, or under the keys of all of whom a mail tells."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from notifications.channels.port import Begin, Mail, Outcome
from notifications.sending.kinds.channel_refused import alarm
from storage.access import own_pages
from storage.database import Conn
from storage.journeys import documents, unconfirmed
from storage.ledger import dead_letters
from storage.messages import attachments, channel_rests, reading, suppressions
from storage.messages.claiming import Claimed
from storage.messages.reading import Message, MessageFilter
from storage.vault import in_clear
from streams.sealing import seal_all
from tests.facts import CAMPAIGN, event, opened, signed_up
from tests.integration.office import Office
from tests.opened import opened_rows

PERSONAL = ("李思雨", "li.siyu", "nobody called Li", "fullness")
RAW = """
SELECT string_agg(t, ' ') FROM (
    SELECT jsonb_strip_nulls(to_jsonb(m))::text AS t FROM messages m
    UNION ALL SELECT jsonb_strip_nulls(to_jsonb(w))::text || coalesce(encode(w.sealed, 'escape'), '') FROM mails w
    UNION ALL SELECT encode(data, 'escape') FROM mail_attachments
    UNION ALL SELECT detail FROM message_attempts
    UNION ALL SELECT concat_ws(' ', address, detail, lifted_reason) FROM suppressions
) AS rows (t)
"""
SAID = "550 5.1.1 <li.siyu@example.com>: nobody called Li"


class Refusing:
    """A provider to which the first mail goes, and which refuses all others for good."""

    name, keeps, portion, lease = "refusing", False, 1, 15.0

    def __init__(self) -> None:
        self.sent = 0

    async def send(self, mails: Sequence[Mail], begin: Begin) -> list[Outcome]:
        await begin(mails)
        self.sent += len(mails)
        return [Outcome("sent") if self.sent == 1 else Outcome("failed", SAID, suppress="hard_bounce") for _ in mails]

    def at_once(self, mails: Sequence[Mail]) -> Sequence[Mail]:
        return ()

    async def close(self) -> None:
        pass


@pytest.fixture
async def conn(office: Office) -> AsyncIterator[Conn]:
    async with office.pool.connection() as connection:
        yield connection


async def raw(conn: Conn) -> str:
    (row,) = await (await conn.execute(RAW)).fetchall()
    return str(row[0])


async def known(conn: Conn) -> list[Message]:
    """The offer, which was refused, and the confirmation, which went."""
    found = await reading.listed(conn, MessageFilter(candidate="c1"), before=None, limit=10)
    return [each for each in found if each.kind != "offer_bounced"]


def said() -> list[dict[str, Any]]:
    fair = event("fair.scheduled", fair="f1", title="Spring", mode="onsite", starts_at="2094-03-08T09:00:00+08:00",
                 ends_at="2094-03-08T16:00:00+08:00")  # fmt: skip
    terms = {"offer": "o1", "employer": "huayou", "position": "Engineer"}
    return [
        opened(),
        fair,
        signed_up("c1", name="李思雨", email="li.siyu@example.com", fair="f1"),
        event("offer.extended", candidate="c1", **terms),
    ]


async def test_nothing_of_a_message_can_be_read_without_the_key_and_all_with_it(office: Office, conn: Conn):
    await office.tell(*said())
    await office.sender(Refusing()).send_all()
    await suppressions.lift(conn, "li.siyu@example.com", by="Wang", reason="the fullness of her mailbox")
    kept = await raw(conn)
    assert not [word for word in PERSONAL if word in kept]
    refused, went = await known(conn)
    assert (went.status, went.recipient, refused.reason) == ("sent", "li.siyu@example.com", SAID)
    mail = await reading.mail(conn, went.id)
    assert mail is not None
    assert mail.subject == went.subject
    assert "李思雨" in mail.text
    assert [each["detail"] for each in await reading.attempts(conn, refused.id)][-1] == SAID
    assert {each.name for each in await attachments.of(conn, went.id)} == {"ticket.png", "fair.ics"}
    (lifted,) = await suppressions.listed(conn, lifted=True)
    assert (lifted.address, lifted.detail) == ("l…u@example.com", SAID)


async def test_copies_of_what_was_sealed_are_noise_once_the_person_is_erased(office: Office, conn: Conn):
    await office.tell(*said())
    await office.sender(Refusing()).send_all()
    refused, went = await known(conn)
    for table in ("messages", "mails", "message_attempts", "mail_attachments"):
        await conn.execute(f"CREATE TEMP TABLE copy_of_{table} AS SELECT * FROM {table}".encode())
    await office.tell(event("candidate.erased", candidate="c1", time="2026-05-01T09:00:00+08:00"))
    await conn.execute("UPDATE messages m SET sealed = c.sealed, forgotten = false FROM copy_of_messages c"
                       " WHERE m.id = c.id")  # fmt: skip
    await conn.execute("INSERT INTO mails SELECT * FROM copy_of_mails ON CONFLICT DO NOTHING")
    await conn.execute("INSERT INTO mail_attachments SELECT * FROM copy_of_mail_attachments ON CONFLICT DO NOTHING")
    await conn.execute(
        "UPDATE message_attempts a SET detail = c.detail FROM copy_of_message_attempts c WHERE c.id = a.id"
    )
    for each in await known(conn):
        assert (each.recipient, each.subject) == (None, None)
    assert await reading.mail(conn, went.id) is None
    assert await attachments.of(conn, went.id) == []
    assert SAID not in [each["detail"] for each in await reading.attempts(conn, refused.id)]


async def test_what_a_server_says_of_us_names_no_address(office: Office, conn: Conn):
    """It is for all who work here to see, whoever the mail was for."""
    await channel_rests.note(conn, "smtp", ["offer"], f"smtp: {SAID}", datetime.now(UTC))
    assert await channel_rests.listed(conn) == [("smtp: 550 5.1.1 <[address]>: nobody called Li", 0)]
    claimed = [Claimed(1, "offer", CAMPAIGN, "c1", {})]
    trouble = alarm("smtp", claimed, [Outcome("requested", SAID, refuses_us=True)], datetime.now(UTC))
    assert trouble is not None
    assert "li.siyu" not in str(trouble)


async def test_a_mail_of_several_is_noise_once_one_of_them_is_erased(office: Office, conn: Conn):
    people = [signed_up(f"c{n}", name=f"Li {n}", email=f"c{n}@example.com") for n in (1, 2)]
    offers = [
        event("offer.extended", candidate=f"c{n}", offer=f"o{n}", employer="huayou", position="Engineer")
        for n in (1, 2)
    ]
    answers = [
        event("offer.accepted", candidate=f"c{n}", offer=f"o{n}", time="2026-04-01T09:00:00+08:00") for n in (1, 2)
    ]
    await office.tell(opened(locale="en"), *people, *offers, *answers)
    await office.sender().send_all()
    [(id, whose)] = await office.rows(
        "SELECT m.id, whose FROM public.mails w JOIN public.messages m ON m.id = message WHERE kind = 'offer_answered'"
    )
    assert whose == {"c1": 1, "c2": 1}
    mail = await reading.mail(conn, id)
    assert mail is not None
    assert "Li 2" in mail.text
    await conn.execute("CREATE TEMP TABLE copy AS SELECT * FROM mails")
    await office.tell(event("candidate.erased", candidate="c2", time="2026-05-01T09:00:00+08:00"))
    await conn.execute("INSERT INTO mails SELECT * FROM copy ON CONFLICT DO NOTHING")
    assert await reading.mail(conn, id) is None
    # A campaign may word the subject of its mails with names.
    assert await office.rows(f"SELECT subject, sent_at IS NULL FROM messages WHERE id = {id}") == [(None, False)]


async def test_who_has_had_mail_at_an_address_is_found_however_it_is_written(office: Office, conn: Conn):
    await office.tell(*said())
    await office.sender(Refusing()).send_all()
    found = await suppressions.of(conn, ["Li.Siyu@EXAMPLE.com", "other@example.com"])
    assert {address: [each.kind for each in rows] for address, rows in found.items()} == {
        "li.siyu@example.com": ["hard_bounce"]
    }
    assert CAMPAIGN in await raw(conn)


AS_BEFORE = """
UPDATE messages SET recipient = o.recipient, subject = o.subject, reason = o.reason, sealed = NULL, address = NULL,
    domain = NULL FROM opened_messages o WHERE o.id = messages.id;
UPDATE mails SET html = o.html, text = o.text, sealed = NULL, whose = NULL FROM opened_mails o
WHERE o.message = mails.message;
INSERT INTO mail_attachments SELECT * FROM opened_attachments;
UPDATE message_attempts SET detail = o.detail FROM opened_attempts o WHERE o.id = message_attempts.id;
UPDATE suppressions SET address = 'li.siyu@example.com', detail = 'nobody called Li', digest = NULL;
INSERT INTO dead_letters (topic, partition, "offset", digest, key, value, headers, reason)
VALUES ('yinfeng.facts', 0, 7, 'x', 'grads-2026/c1', 'nobody called Li', '{"by": "Li"}', 'it has "fullness"');
INSERT INTO documents (document, campaign, candidates, data, posted_by)
VALUES ('d-1', 'grads-2026', '{c1}', '%PDF-1.7 nobody called Li', 'key:a');
INSERT INTO unconfirmed (signup, campaign, candidate, typed)
VALUES ('s', 'grads-2026', 'c9', '{"values": {"name": "李思雨"}}');
"""


async def as_an_earlier_version_left_it(office: Office, conn: Conn) -> None:
    """All that is sealed of messages in the clear, and letters, documents and forms as they were kept before."""
    tables = ("messages", "mails", "mail_attachments", "message_attempts")
    for short, table in zip(("messages", "mails", "attachments", "attempts"), tables, strict=True):
        rows = await opened_rows(conn, f"SELECT to_jsonb(t)::text FROM {table} t")
        await conn.execute(f"CREATE TEMP TABLE opened_{short} AS SELECT * FROM {table} LIMIT 0".encode())
        for (row,) in rows:
            await conn.execute(
                f"INSERT INTO opened_{short} SELECT * FROM jsonb_populate_record(NULL::{table}, %s)".encode(), [row]
            )
    for statement in AS_BEFORE.split(";\n"):
        if statement.strip():
            await conn.execute(statement.encode())


async def test_what_an_earlier_version_kept_is_sealed_in_stretches(
    office: Office, conn: Conn, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(in_clear, "PORTION", 2)
    monkeypatch.setattr(in_clear, "STRETCH", 2)
    await office.tell(*said())
    await office.sender(Refusing()).send_all()
    before = [await known(conn), [await reading.mail(conn, each.id) for each in await known(conn)]]
    await as_an_earlier_version_left_it(office, conn)
    kept = await raw(conn)
    assert [word in kept for word in PERSONAL] == [True, True, True, False]
    found = await in_clear.count(conn)
    assert (found.facts, found.journeys, found.letters, found.documents, found.signups, found.addresses) == (
        0, 0, 1, 1, 1, 1)  # fmt: skip
    assert found.mails
    assert found.files
    assert found.answers
    assert await suppressions.of(conn, ["Li.Siyu@example.com"]), "what is still in the clear is found"
    assert await own_pages.mailed_at(conn, "Li.Siyu@example.com") == [(CAMPAIGN, "c1")]

    assert await seal_all(conn) == found
    assert not await in_clear.count(conn)
    kept = await raw(conn) + str(await office.rows("SELECT * FROM public.dead_letters"))
    kept += str(await office.rows("SELECT data, typed::text FROM documents, unconfirmed"))
    assert not [word for word in PERSONAL if word in kept]
    after = [await known(conn), [await reading.mail(conn, each.id) for each in await known(conn)]]
    assert after[0] == before[0]
    assert [mail and mail.html for mail in after[1]] == [mail and mail.html for mail in before[1]]
    assert {each.name for each in await attachments.of(conn, after[0][1].id)} == {"ticket.png", "fair.ics"}
    assert await suppressions.of(conn, ["Li.Siyu@example.com"])
    assert await own_pages.mailed_at(conn, "Li.Siyu@example.com") == [(CAMPAIGN, "c1")]
    (letter,) = await dead_letters.listed(conn)
    assert (letter.key, letter.value, letter.headers) == (b"grads-2026/c1", b"nobody called Li", {"by": "Li"})
    assert letter.reason == 'it has "fullness"'
    assert await documents.fetch(conn, "d-1", CAMPAIGN, "c1") == b"%PDF-1.7 nobody called Li"
    assert await unconfirmed.fetch(conn, "s", CAMPAIGN, "c9") == {"values": {"name": "李思雨"}}
    await office.tell(event("candidate.erased", candidate="c1", time="2026-05-01T09:00:00+08:00"))
    assert await dead_letters.listed(conn) == []
