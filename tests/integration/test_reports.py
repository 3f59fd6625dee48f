"""Mail that came back, read from a real IMAP server: each report once, what is none is left alone."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from notifications.channels.report_mailbox import MOST_BYTES, ReportMailbox
from notifications.sending.reports import Reports
from schemas.errors import MailboxUnavailable
from storage.messages import report_mailboxes
from tests.facts import opened, signed_up
from tests.integration.office import Office
from tests.reports import SHAPES, exchange, postfix
from tests.stand_ins.dovecot import DOVECOT, PASSWORD, Dovecot, dovecot

pytestmark = pytest.mark.skipif(DOVECOT is None, reason="needs Dovecot (`make test` installs it for root)")
LETTER = b"From: li@example.com\r\nSubject: a question\r\n\r\nWhen is it?\r\n"


@pytest.fixture
def server() -> Iterator[Dovecot]:
    folder = Path(tempfile.mkdtemp(prefix="yinfeng-imap-", dir="/tmp"))  # sockets have short paths
    with dovecot(folder) as running:
        yield running
    shutil.rmtree(folder)


def mailbox(server: Dovecot, *, handled: str | None = "Read reports", **more: object) -> ReportMailbox:
    return ReportMailbox(replace(server.secure, **more), handled=handled, timeout=10, tls=server.tls)  # type: ignore[arg-type]


def reader(office: Office, box: ReportMailbox, holder: str = "one") -> Reports:
    return Reports(office.pool, box, holder=holder, every=60)


async def sent_to(office: Office, *candidates: str) -> list[str]:
    """Mails that went; returns their nonces."""
    await office.tell(opened(), *[signed_up(each, email=f"{each}@example.com") for each in candidates])
    await office.sender().send_all()
    return list((await office.names("ORDER BY candidate")).values())


# The reports are of mail that was written long before the database says.
def of_now(report: bytes) -> bytes:
    return report.replace(b"8 Mar 2026", b"8 Mar 2096")


@pytest.mark.parametrize("shape", SHAPES)
async def test_a_report_settles_its_message_and_nothing_goes_there_again(office: Office, server: Dovecot, shape: str):
    [nonce] = await sent_to(office, "c1")
    server.deliver(LETTER, of_now(SHAPES[shape](nonce, "c1@example.com")))
    assert await reader(office, mailbox(server)).look()
    status, reason = await office.status_of("c1")
    assert (status, "a report came back" in (reason or "")) == ("bounced", True)
    assert await office.rows("SELECT address, kind FROM suppressions") == [("c…@example.com", "hard_bounce")]
    assert server.flags() == [""]  # the letter, still unread
    assert len(server.flags('"Read reports"')) == 1


async def test_each_report_counts_once_and_one_that_comes_again_changes_nothing(office: Office, server: Dovecot):
    [nonce] = await sent_to(office, "c1")
    box = mailbox(server, handled=None)
    for _ in range(3):
        server.deliver(of_now(postfix(nonce, "c1@example.com")))
        await reader(office, box).look()
    told = await office.rows("SELECT count(*) FROM message_attempts WHERE status = 'bounced'")
    assert (told, server.flags()) == ([(1,)], [r"\Seen"] * 3)


async def test_a_soft_report_is_noted_and_suppresses_nothing(office: Office, server: Dovecot):
    [nonce] = await sent_to(office, "c1")
    server.deliver(of_now(postfix(nonce, "c1@example.com", status="4.4.1", said="timed out", action="delayed")))
    await reader(office, mailbox(server)).look()
    assert (await office.status_of("c1"))[0] == "sent"
    [(detail,)] = await office.rows("SELECT detail FROM message_attempts WHERE cause = 'provider'")
    assert "delayed 4.4.1" in detail
    assert await office.rows("SELECT address FROM suppressions") == []


async def test_a_report_about_another_address_changes_nothing(office: Office, server: Dovecot):
    first, _ = await sent_to(office, "c1", "c2")
    server.deliver(of_now(postfix(first, "c2@example.com")))
    await reader(office, mailbox(server)).look()
    assert await office.statuses() == {"sent": 2}
    assert await office.rows("SELECT address FROM suppressions") == []


async def test_a_report_of_a_mail_that_never_went_changes_nothing(office: Office, server: Dovecot):
    """Links on a candidate's own page have the names of mails to come."""
    await office.tell(opened(), signed_up("c1", email="c1@example.com"))
    [nonce] = (await office.names()).values()
    server.deliver(of_now(postfix(nonce, "rival@example.com")))
    await reader(office, mailbox(server)).look()
    assert await office.statuses() == {"requested": 1}
    assert await office.rows("SELECT address FROM suppressions") == []


async def test_a_report_of_a_try_before_the_last_changes_nothing(office: Office, server: Dovecot):
    [nonce] = await sent_to(office, "c1")
    await office.change(
        "INSERT INTO message_attempts (message, status, cause) SELECT id, 'requested', 'resent' FROM messages"
    )
    server.deliver(postfix(nonce, "c1@example.com"))  # of a mail of long before
    await reader(office, mailbox(server)).look()
    assert await office.statuses() == {"sent": 1}


async def test_many_reports_among_many_letters_are_read_to_the_end(office: Office, server: Dovecot):
    names = [f"c{n:03}" for n in range(120)]
    nonces = await sent_to(office, *names)
    reports = [of_now(postfix(nonce, f"{name}@example.com")) for name, nonce in zip(names, nonces, strict=True)]
    server.deliver(*[each for report in reports for each in (LETTER, report)])
    await reader(office, mailbox(server)).look()
    assert await office.statuses() == {"bounced": 120}
    assert server.flags() == [""] * 120


async def test_a_huge_report_is_read_as_far_as_it_matters(office: Office, server: Dovecot):
    [nonce] = await sent_to(office, "c1")
    huge = of_now(postfix(nonce, "c1@example.com")).replace(
        b"hello\r\n", b"x" * 70 + b"\r\n" + b"y" * 8 * MOST_BYTES + b"\r\n"
    )
    server.deliver(huge)
    await reader(office, mailbox(server)).look()
    assert await office.statuses() == {"bounced": 1}


async def test_two_workers_read_one_after_the_other(office: Office, server: Dovecot):
    [nonce] = await sent_to(office, "c1")
    box = mailbox(server)
    await reader(office, box, "one").look()
    server.deliver(of_now(exchange(nonce, "c1@example.com")))
    await reader(office, box, "other").look()  # the first holds it
    assert await office.statuses() == {"sent": 1}
    await office.change("UPDATE report_mailboxes SET held_until = now() - interval '1 second'")
    await reader(office, box, "other").look()
    assert await office.statuses() == {"bounced": 1}


async def test_a_mailbox_whose_numbers_changed_is_read_anew_and_counts_once(office: Office, server: Dovecot):
    [nonce] = await sent_to(office, "c1")
    server.deliver(of_now(postfix(nonce, "c1@example.com")))
    box = mailbox(server, handled=None)
    await reader(office, box).look()
    await office.change("UPDATE report_mailboxes SET validity = validity - 1, next_number = 900000")
    await reader(office, box).look()
    assert await office.rows("SELECT count(*) FROM message_attempts WHERE status = 'bounced'") == [(1,)]


async def test_a_mailbox_that_cant_be_read_is_said_and_harms_nothing(
    office: Office, server: Dovecot, caplog: pytest.LogCaptureFixture
):
    await sent_to(office, "c1")
    wrong = mailbox(server, password="a wrong one")
    assert not await reader(office, wrong).look()
    async with office.pool.connection() as conn:
        [found] = await report_mailboxes.listed(conn)
    assert found.age is None
    assert "Authentication failed" in (found.trouble or "")
    assert await reader(office, mailbox(server)).look()
    async with office.pool.connection() as conn:
        [found] = await report_mailboxes.listed(conn)
    assert (found.trouble, found.age is not None) == (None, True)
    assert "a wrong one" not in caplog.text
    assert PASSWORD not in caplog.text


@pytest.mark.parametrize("way", ["starttls", "tls"])
def test_both_ways_to_a_secure_connection(server: Dovecot, way: str):
    box = ReportMailbox(server.server if way == "starttls" else server.secure, timeout=10, tls=server.tls)
    assert box.read(None).reports == ()


def test_a_server_that_is_not_who_it_should_be_gets_no_password(server: Dovecot):
    with pytest.raises(MailboxUnavailable, match="certificate"):
        ReportMailbox(server.secure, timeout=10).read(None)
