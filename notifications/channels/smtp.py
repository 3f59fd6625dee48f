"""SMTP: the only file that knows its client. What a server's replies mean is in `smtp_replies.py`.

Every mail of a batch goes over one connection, which is opened again when it is lost. A server that put off or
refused one mail is asked about the next; one that refuses us, or that can't be reached, is left alone for a while.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

import aiosmtplib
from aiosmtplib.errors import SMTPException, SMTPResponseException

from notifications.channels.mime import as_mime, ascii_domain, needs_utf8
from notifications.channels.port import SENT, STOPPED, TAKEN, Begin, Mail, Outcome, all_begin, outcome_of, shown
from notifications.channels.smtp_replies import meaning, of_channel, unreachable
from schemas.errors import SendDeferred, SendFailed, SendRefused, SendRetryable, SendUnknown
from schemas.mail_server import MailServer

log = logging.getLogger(__name__)

MOST_LOST: Final = 3  # mails in a row whose connection was lost, before a batch is broken off
BATCH_SECONDS: Final = 30.0  # after which no other mail is begun: claims last for minutes only
GOODBYE: Final = 2.0  # seconds
FIRST_PAUSE: Final = timedelta(minutes=5)  # for a mail that was put off, doubled with each attempt
LONGEST_PAUSE: Final = timedelta(hours=4)
_NEXT_TIME: Final = Outcome("requested", "its batch took long; it goes with the next one", untried=True)


class Smtp:
    """Hands mail to one server. `clock` dates it; `jitter` gives a factor around 1; `tls` is for servers whose
    certificate the system doesn't know. A password goes over TLS alone."""

    name = "smtp"
    keeps = False
    portion = 20

    def __init__(
        self,
        server: MailServer,
        *,
        timeout: float,
        sender: str,
        sender_name: str,
        clock: Callable[[], datetime],
        jitter: Callable[[], float],
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._server, self._timeout, self._tls = server, timeout, tls
        self.lease = BATCH_SECONDS + 6 * timeout + GOODBYE + 10  # the last mail may wait at each of its steps
        self._sender, self._sender_name = sender, sender_name
        self._clock, self._jitter = clock, jitter
        self._closed = False

    async def send(self, mails: Sequence[Mail], begin: Begin = all_begin) -> list[Outcome]:
        """Each mail's beginning is recorded by itself, with what became of the one before."""
        batch, client = _Batch(asyncio.get_running_loop().time() + BATCH_SECONDS), self._client()
        outcomes: list[Outcome] = []
        told: dict[int, Outcome] = {}
        try:
            for mail in mails:
                outcome = self._not_now(batch)
                if outcome is None and mail.id not in await begin([mail], told):
                    outcome = TAKEN
                outcome = outcome or await self._send(client, mail, batch)
                told = {mail.id: outcome}
                outcomes.append(outcome)
            return outcomes
        finally:
            await _leave(client)

    def at_once(self, mails: Sequence[Mail]) -> Sequence[Mail]:
        return ()

    async def close(self) -> None:
        self._closed = True

    def _client(self) -> aiosmtplib.SMTP:
        server = self._server
        return aiosmtplib.SMTP(
            hostname=server.host,
            port=server.port,
            username=server.user,
            password=server.password,
            timeout=self._timeout,
            use_tls=server.tls,
            # Without a password to protect, TLS is used where the server has it.
            start_tls=False if server.tls else True if server.user else None,
            tls_context=self._tls,
        )

    def _not_now(self, batch: _Batch) -> Outcome | None:
        if self._closed:
            return STOPPED
        if batch.refusal is not None:
            return replace(batch.refusal, untried=True)
        return _NEXT_TIME if asyncio.get_running_loop().time() > batch.ends else None

    async def _send(self, client: aiosmtplib.SMTP, mail: Mail, batch: _Batch) -> Outcome:
        try:
            await self._on_some_connection(client, mail)
        except SendFailed as error:
            outcome = self._in_time(outcome_of(error), mail)
            batch.note(outcome, lost=not client.is_connected)
            return outcome
        except Exception as error:
            log.exception("message %d: a failure that nobody foresaw", mail.id)
            client.close()
            return Outcome("unknown", f"{type(error).__name__}; the mail may have gone")
        batch.lost = 0
        return SENT

    async def _on_some_connection(self, client: aiosmtplib.SMTP, mail: Mail) -> None:
        """Servers say 421 to a connection that has carried its share: the mail goes over a new one then. What a new one
        is told is meant for us."""
        used = client.is_connected
        try:
            await self._hand_over(client, mail)
        except SendRetryable as error:
            if not used or isinstance(error, SendDeferred):
                raise
            client.close()
            await self._hand_over(client, mail)

    async def _hand_over(self, client: aiosmtplib.SMTP, mail: Mail) -> None:
        """Raises a SendFailed that says what may be done next."""
        try:
            content = as_mime(mail, sender=self._sender, sender_name=self._sender_name, date=self._clock())
            to = ascii_domain(mail.to)
        except ValueError as error:
            raise SendRefused(f"the address can't be written in a mail: {error}") from None
        if not client.is_connected:
            await _connect(client, self._timeout)
        utf8 = needs_utf8(mail.to)
        if utf8 and not client.supports_extension("smtputf8"):
            raise SendRefused("the mail server can't take an address in this script (it has no SMTPUTF8)")
        await _deliver(client, self._sender, to, content, utf8=utf8)

    def _in_time(self, outcome: Outcome, mail: Mail) -> Outcome:
        """When a mail that was put off is to be tried again."""
        if outcome.status != "requested" or outcome.pauses_channel:
            return outcome
        doubled: timedelta = FIRST_PAUSE * 2 ** min(mail.attempts - 1, 8)
        return replace(outcome, retry_at=self._clock() + min(doubled, LONGEST_PAUSE) * self._jitter())


class _Batch:
    """Mails sent together, none begun after `ends` (of the loop's clock). `refusal`: what one was told that holds
    for all; `lost`: how many in a row lost their connection."""

    def __init__(self, ends: float) -> None:
        self.ends = ends
        self.refusal: Outcome | None = None
        self.lost = 0

    def note(self, outcome: Outcome, *, lost: bool) -> None:
        """Learn from a failure. After a run of lost connections, no more messages are put in doubt."""
        self.lost = self.lost + 1 if lost else 0
        if outcome.pauses_channel:
            self.refusal = outcome
        elif self.lost >= MOST_LOST:
            self.refusal = Outcome("requested", f"not tried, after: {outcome.reason}", pauses_channel=True)


async def _connect(client: aiosmtplib.SMTP, seconds: float) -> None:
    """Connect, secure the connection and log in. Nothing is sent: what fails here can be tried again."""
    try:
        async with asyncio.timeout(seconds):
            await client.connect()
            await client.ehlo()
    except SMTPResponseException as error:
        raise of_channel(error) from None
    except (OSError, SMTPException) as error:
        client.close()
        raise unreachable(error) from None


async def _deliver(client: aiosmtplib.SMTP, sender: str, to: str, content: bytes, *, utf8: bool) -> None:
    """One transaction. From DATA on, silence means that the mail may have gone."""
    options = [f"SIZE={len(content)}"] if client.supports_extension("size") else []
    encoding = "utf-8" if utf8 else "ascii"
    begun = False
    try:
        await client.mail(sender, options=[*options, "SMTPUTF8"] if utf8 else options, encoding=encoding)
        await client.rcpt(to, encoding=encoding)
        begun = True
        await client.data(content)
    except SMTPResponseException as error:
        await _start_over(client)
        raise meaning(error) from None
    except OSError as error:
        client.close()
        reason = f"{type(error).__name__} {shown(str(error))}".strip()
        if begun:
            raise SendUnknown(f"the connection was lost, the mail may have gone: {reason}") from None
        raise SendDeferred(f"the connection was lost before the mail went: {reason}") from None
    except ValueError as error:
        await _start_over(client)
        raise SendRefused(f"the address can't be written in a mail: {shown(str(error))}") from None


async def _start_over(client: aiosmtplib.SMTP) -> None:
    """Make the connection ready for another mail; one that can't be is closed."""
    try:
        await client.rset()
    except (OSError, SMTPException):
        client.close()


async def _leave(client: aiosmtplib.SMTP) -> None:
    """Say goodbye, if there is anybody to hear it: nothing depends on it."""
    try:
        if client.is_connected:
            await client.quit(timeout=GOODBYE)
    except (OSError, SMTPException):
        pass
    finally:
        client.close()
