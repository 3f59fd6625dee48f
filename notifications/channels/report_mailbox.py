"""The mailbox where mail comes back, over IMAP: the only file that knows its protocol. Blocking, for a thread.

What is no report stays as it was, unread. Sizes are bounded: of a report its beginning is read, of a folder some
hundred mails at a time.
"""

from __future__ import annotations

import imaplib
import re
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Final

from notifications.channels.delivery_reports import is_report
from notifications.channels.port import shown
from schemas.errors import MailboxUnavailable
from schemas.mail_server import MailServer

MOST_BYTES: Final = 256 * 1024  # of a report; what it tells stands before the mail that it has with it
MOST_REPORTS: Final = 50  # in one reading
WINDOW: Final = 500  # numbers of mails that are asked about at once
WINDOWS: Final = 10  # in one reading
FIRST_LOOK: Final = 5_000  # numbers before the newest mail, where a mailbox was never read
_UID: Final = re.compile(rb"\bUID ([0-9]{1,10})\b")


@dataclass(frozen=True, slots=True)
class ReadUpTo:
    """How far a folder was read: up to before the number `next`, as long as its numbers hold (`validity`)."""

    validity: int
    next: int


@dataclass(frozen=True, slots=True)
class Reading:
    """Reports by their numbers in the folder, how far it was read, and whether there is more."""

    reports: tuple[tuple[int, bytes], ...]
    place: ReadUpTo
    more: bool


class ReportMailbox:
    """One folder of one mailbox. `handled`: the folder for what was read; without one it is marked as seen. `tls` is
    for servers whose certificate the system doesn't know; the password goes over TLS alone."""

    def __init__(
        self,
        server: MailServer,
        *,
        folder: str = "INBOX",
        handled: str | None = None,
        timeout: float = 20.0,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._server, self._folder, self._handled, self._timeout = server, folder, handled, timeout
        self._tls = tls or ssl.create_default_context()
        self._open: imaplib.IMAP4 | None = None
        self.name = f"{server.user}@{server.host}:{server.port}/{folder}"

    def read(self, place: ReadUpTo | None) -> Reading:
        """Reports from there on, oldest first; where nothing was read yet or the numbers changed, those of the newest
        mails. Raises MailboxUnavailable."""
        with self._connected() as imap:
            validity, newest = self._select(imap, readonly=True)
            if place is None or place.validity != validity:
                place = ReadUpTo(validity, max(1, newest - FIRST_LOOK))
            return _from(imap, place, newest)

    def settle(self, validity: int, numbers: Sequence[int]) -> None:
        """Put these away: they are told. Raises MailboxUnavailable."""
        if not numbers:
            return
        with self._connected() as imap:
            if self._select(imap, readonly=False)[0] == validity:
                self._put_away(imap, ",".join(map(str, numbers)))

    def break_off(self) -> None:
        """End what is under way, from another thread: whoever waits for the server waits no more."""
        if (imap := self._open) is not None:
            with suppress(OSError):
                imap.sock.shutdown(2)

    @contextmanager
    def _connected(self) -> Iterator[imaplib.IMAP4]:
        try:
            imap = self._open = self._connect()
            try:
                self._log_in(imap)
                yield imap
            finally:
                self._open = None
                _leave(imap)
        except (OSError, imaplib.IMAP4.error, EOFError) as error:
            # What these say comes from the server or the network; our own words, with the password, are not in them.
            raise MailboxUnavailable(f"{self.name}: {type(error).__name__} {shown(str(error))}".strip()) from None

    def _connect(self) -> imaplib.IMAP4:
        server = self._server
        if server.tls:
            return imaplib.IMAP4_SSL(server.host, server.port, ssl_context=self._tls, timeout=self._timeout)
        imap = imaplib.IMAP4(server.host, server.port, timeout=self._timeout)
        try:
            imap.starttls(self._tls)
        except BaseException:
            imap.shutdown()
            raise
        return imap

    def _log_in(self, imap: imaplib.IMAP4) -> None:
        user, password = self._server.user or "", self._server.password or ""
        if "AUTH=PLAIN" in imap.capabilities:  # which has room for other letters too
            imap.authenticate("PLAIN", lambda _: f"\0{user}\0{password}".encode())
        else:
            imap.login(user, password)

    def _select(self, imap: imaplib.IMAP4, *, readonly: bool) -> tuple[int, int]:
        """The folder's validity, and the number that its next mail will have."""
        _require(imap.select(_quoted(self._folder), readonly=readonly), f"no folder {self._folder}")
        return _number(imap, "UIDVALIDITY"), _number(imap, "UIDNEXT")

    def _put_away(self, imap: imaplib.IMAP4, numbers: str) -> None:
        if self._handled is None:
            imap.uid("STORE", numbers, "+FLAGS.SILENT", r"(\Seen)")
            return
        target = _quoted(self._handled)
        imap.create(target)  # which says no where there is one
        able = _abilities(imap)
        if "MOVE" in able:
            _require(imap.uid("MOVE", numbers, target), f"no mail could be moved to {self._handled}")
            return
        _require(imap.uid("COPY", numbers, target), f"no mail could be copied to {self._handled}")
        imap.uid("STORE", numbers, "+FLAGS.SILENT", r"(\Seen \Deleted)")
        if "UIDPLUS" in able:  # a plain EXPUNGE would take other people's too
            imap.uid("EXPUNGE", numbers)


def _abilities(imap: imaplib.IMAP4) -> frozenset[str]:
    """What the server can do, asked anew: most say less to whom they don't know yet."""
    _, answer = imap.capability()
    said = b" ".join(each for each in answer if isinstance(each, bytes)).decode("ascii", "replace")
    return frozenset(said.upper().split())


def _leave(imap: imaplib.IMAP4) -> None:
    """Say goodbye, if there is anybody to hear it, and close the connection."""
    try:
        imap.logout()
    except (OSError, imaplib.IMAP4.error):
        with suppress(OSError):
            imap.shutdown()


def _from(imap: imaplib.IMAP4, place: ReadUpTo, newest: int) -> Reading:
    reports: list[tuple[int, bytes]] = []
    at = place.next
    for _ in range(WINDOWS):
        if at >= newest or len(reports) >= MOST_REPORTS:
            break
        until = min(at + WINDOW, newest)
        for number in _reports_between(imap, at, until):
            if len(reports) >= MOST_REPORTS:
                return Reading(tuple(reports), ReadUpTo(place.validity, number), more=True)
            reports += [(number, content) for content in [_beginning(imap, number)] if content is not None]
        at = until
    return Reading(tuple(reports), ReadUpTo(place.validity, at), more=at < newest)


def _reports_between(imap: imaplib.IMAP4, first: int, until: int) -> list[int]:
    """The numbers of the mails there that may be reports, by their Content-Type alone."""
    asked = "(UID BODY.PEEK[HEADER.FIELDS (CONTENT-TYPE)]<0.1000>)"
    _, answer = imap.uid("FETCH", f"{first}:{until - 1}", asked)
    found = {
        number: text.decode("utf-8", "replace").partition(":")[2]
        for number, text in _literals(answer)
        if first <= number < until
    }
    return sorted(number for number, content_type in found.items() if is_report(content_type))


def _beginning(imap: imaplib.IMAP4, number: int) -> bytes | None:
    _, answer = imap.uid("FETCH", str(number), f"(UID BODY.PEEK[]<0.{MOST_BYTES}>)")
    return next((content[:MOST_BYTES] for found, content in _literals(answer) if found == number), None)


def _literals(answer: Sequence[Any]) -> Iterator[tuple[int, bytes]]:
    """Each mail's number and what was asked of it. Servers write the number before or after."""
    for place, each in enumerate(answer):
        if not isinstance(each, tuple):
            continue
        after = answer[place + 1] if place + 1 < len(answer) and isinstance(answer[place + 1], bytes) else b""
        if found := _UID.search(each[0]) or _UID.search(after):
            yield int(found[1]), each[1]


def _number(imap: imaplib.IMAP4, name: str) -> int:
    _, [value] = imap.response(name)
    if not isinstance(value, bytes) or not value.isdigit():
        raise imaplib.IMAP4.error(f"the server says no {name}")
    return int(value)


def _require(answer: tuple[str, Any], otherwise: str) -> None:
    if answer[0] != "OK":
        raise imaplib.IMAP4.error(otherwise)


def _quoted(folder: str) -> str:
    return f'"{folder}"'
