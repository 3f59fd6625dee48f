"""What is personal in messages, sealed: to whom they went and their subjects, mails, files, and what others said.

A message's own is under its candidate's key, or the campaign's; a mail under the keys of all of whom it tells.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import msgspec

from schemas.messages import Attachment, Written
from storage.arrays import columns
from storage.database import Conn
from storage.ledger.ledger import JourneyKey
from storage.messages.compressing import compressed, expanded, parted, set_beside
from storage.messages.transitions import TOLD_WITH, UNWRITTEN, Cause
from storage.vault.keeping import Keeper, Lives

REASON: Final = "reason"
_READER: Final = "reader"
_FILE: Final = "file"
# What comes from mail servers, providers and HR; what others say, we said ourselves.
_OTHERS_SAY: Final[frozenset[Cause]] = frozenset({"outcome", "provider", "resent", "hr"})
_WHOSE: Final = "SELECT id, campaign, coalesce(candidate, '') FROM messages WHERE id = ANY(%s::bigint[])"


@dataclass(frozen=True, slots=True)
class KeptMail:
    """A message as it went out, with its files."""

    html: str
    text: str
    at: datetime
    subject: str | None = None
    files: tuple[Attachment, ...] = ()


class Sealed(msgspec.Struct, frozen=True, gc=False):
    """What is to be kept of a message that goes, sealed before it does: to whom and its subject (`reader`), by what its
    address and its domain are found, and the mail with its files, under the keys of `whose` (JSON: see `Lives`)."""

    reader: bytes | None
    address: bytes
    domain: bytes
    mail: bytes | None
    whose: str


async def whose(conn: Conn, ids: Iterable[int]) -> dict[int, JourneyKey]:
    """Under whose key each of these messages is kept."""
    cursor = await conn.execute(_WHOSE, columns([(id,) for id in ids], 1))
    return {id: (campaign, candidate) for id, campaign, candidate in await cursor.fetchall()}


def seal_reader(keeper: Keeper, key: JourneyKey, recipient: str | None, subject: str | None) -> bytes | None:
    """To whom a message went, and its subject."""
    if recipient is None and subject is None:
        return None
    return keeper.seal(key, _READER, _encode([recipient, subject]))


def open_reader(keeper: Keeper, key: JourneyKey, kept: bytes | None) -> tuple[str | None, str | None]:
    """Recipient and subject, as far as they are kept."""
    opened = keeper.open(key, _READER, kept) if kept is not None else None
    return _decode_reader(opened) if opened is not None else (None, None)


def domain_of(address: str) -> str:
    """The domain of an address."""
    return address.rpartition("@")[2]


def seal_reason(keeper: Keeper, key: JourneyKey, cause: Cause, said: str | None) -> str | None:
    """A reason, with what others said in it sealed. How it begins, where it is ours, is looked at later."""
    if said is None:
        return None
    head, colon, rest = said.partition(": ")
    if head == UNWRITTEN and colon:
        return f"{head}: {keeper.seal_words(key, REASON, rest) or ''}"
    if cause in _OTHERS_SAY and not said.startswith(TOLD_WITH):
        return keeper.seal_words(key, REASON, said)
    return said


def mail_of(subject: str | None, said: Written | tuple[str, str]) -> bytes:
    """A mail as it is kept, of its subject and of its HTML and text."""
    if not isinstance(said, Written):
        return _encode((subject, *said))
    return b'[%b,"%b","%b"]' % (_encode(subject), said.html, said.text)


def packed(files: tuple[Attachment, ...]) -> bytes:
    """The files of a mail as they are kept with it, which mails may share."""
    return set_beside(_pack(files)) if files else b""


def seal_mail(
    keeper: Keeper, campaign: str, candidates: Collection[str], said: bytes, files: bytes = b""
) -> tuple[bytes, Lives] | None:
    """A mail (see `mail_of`) with its files, that tells of these candidates; of none: the empty one, whose key is the
    campaign's. The files are a frame of their own, so that what many mails have is compressed once."""
    return keeper.seal_together(campaign, candidates, compressed(said) + files)


def seal_before(keeper: Keeper, key: JourneyKey, reader: tuple[str, str], said: bytes, files: bytes) -> Sealed:
    """What is to be kept of a mail that tells of nobody but its own person: `reader` is to whom it goes and its
    subject, `said` as `mail_of` has it, `files` as they are packed. Where that person is erased before it is stored,
    nobody can open it any more."""
    campaign, candidate = key
    mail, lives = seal_mail(keeper, campaign, {candidate}, said, files) or (None, {})
    address, domain = keeper.address(reader[0]), keeper.domain(domain_of(reader[0]))
    return Sealed(seal_reader(keeper, key, *reader), address, domain, mail, written(lives))


def written(lives: Lives) -> str:
    """Under whose keys a mail is, as it is stored."""
    return _encode(lives).decode()


def open_mail(keeper: Keeper, campaign: str, lives: Lives, kept: bytes, at: datetime) -> KeptMail | None:
    """None where somebody of whom it tells was erased since."""
    opened = keeper.open_together(campaign, lives, kept)
    if opened is None:
        return None
    said, files = parted(opened)
    subject, html, text = _decode_mail(expanded(said))
    return KeptMail(html, text, at, subject, _unpack(expanded(files)) if files is not None else ())


def seal_file(keeper: Keeper, key: JourneyKey, data: bytes) -> bytes | None:
    """A file that went with a mail of an earlier version, beside it."""
    return keeper.seal(key, _FILE, data)


def open_file(keeper: Keeper, key: JourneyKey, kept: bytes) -> bytes | None:
    """None where its person was erased since."""
    return keeper.open(key, _FILE, kept)


def opened_rows(keeper: Keeper, rows: Iterable[dict[str, Any]], *, reader: str = "recipient") -> list[dict[str, Any]]:
    """Rows of messages as they are read: `reader`, subject and reason opened, where they have them; `sealed` gone."""
    found = []
    for row in rows:
        key = (row["campaign"], row["candidate"] or "")
        recipient, subject = open_reader(keeper, key, row.pop("sealed"))
        row[reader] = row[reader] if recipient is None else recipient
        row["subject"] = row["subject"] if subject is None else subject
        row["reason"] = keeper.open_words(key, REASON, row["reason"])
        found.append(row)
    return found


_encode: Final = msgspec.json.Encoder().encode
_decode_reader: Final = msgspec.json.Decoder(tuple[str | None, str | None]).decode
_decode_mail: Final = msgspec.json.Decoder(tuple[str | None, str, str]).decode
_pack: Final = msgspec.msgpack.Encoder().encode
_unpack: Final = msgspec.msgpack.Decoder(tuple[Attachment, ...]).decode
