"""Reports of mail that came back (RFC 3464, within multipart/report, RFC 3462), read as what they tell of ours. Pure.

A report is from anybody: it counts only where it has the name of a message of ours, which nobody can guess, and speaks
of the address that this one went to.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from email import message_from_bytes
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from email.message import Message
from email.utils import parsedate_to_datetime
from itertools import islice
from typing import Any, Final

from notifications.channels.afterwards import ProviderEvent, digest
from notifications.channels.port import shown
from notifications.channels.replies import is_nobody
from notifications.rules.statuses import ProviderWord

MOST_RECIPIENTS: Final = 20
MOST_PARTS: Final = 50
MOST_LINES: Final = 5000  # of a report; what it tells stands before the mail that it has with it
MOST_BOUNDARIES: Final = 20  # each line is held against all of those around it
MOST_HEADER: Final = 2000  # characters of one that are looked at
_OURS: Final = re.compile(r"yinfeng\.([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})(?:\.[0-9a-f]{1,64})?@")
_BOUNDARY: Final = re.compile(rb"\bboundary\b[*0-9\s]*=", re.IGNORECASE)
_STATUS: Final = re.compile(r"[245]\.[0-9]{1,3}\.[0-9]{1,3}")
_MOST_ADDRESS: Final = 254


def is_report(content_type: str) -> bool:
    """Whether a mail with this Content-Type may be a report."""
    return content_type.strip().lower().startswith("multipart/report")


def read_report(content: bytes) -> list[ProviderEvent]:
    """What a report tells of our mail, for each address; nothing where it is no report, or of another's mail. A report
    that was cut off is read as far as it goes."""
    if len(_BOUNDARY.findall(content)) > MOST_BOUNDARIES:
        return []
    report = message_from_bytes(b"".join(content.splitlines(keepends=True)[:MOST_LINES]))
    parts = list(islice(report.walk(), MOST_PARTS))
    status = next((part for part in parts if part.get_content_type() == _DELIVERY_STATUS), None)
    if report.get_content_type() != "multipart/report" or status is None:
        return []
    # Fields of a report are in blocks: the first is of the mail, each other one of an address.
    blocks = [block for block in _blocks(status) if block.keys()]
    original = next((found for part in parts if (found := _original(part)) is not None), None)
    nonce = _nonce(original, blocks, report)
    if nonce is None:
        return []
    came = _moment(blocks[0] if blocks else None, ("Arrival-Date",))
    at = _moment(original, ("Date",)) or came or _moment(report, ("Date",))
    about = [block for block in blocks if "Action" in block][:MOST_RECIPIENTS]
    return [each for block in about if (each := _told(nonce, at, block)) is not None]


def _blocks(status: Message) -> Sequence[Message]:
    payload = status.get_payload()
    return [each for each in payload if isinstance(each, Message)] if isinstance(payload, list) else []


def _original(part: Message) -> Message | None:
    """The mail that came back, or its headers, if this part has them."""
    if part.get_content_type() == "message/rfc822":
        payload = part.get_payload()
        return payload[0] if isinstance(payload, list) and isinstance(payload[0], Message) else None
    if part.get_content_type() in _HEADERS_ALONE:
        payload = part.get_payload(decode=True)
        if isinstance(payload, bytes):
            return message_from_bytes(payload.lstrip())
        inner = part.get_payload()
        return inner[0] if isinstance(inner, list) and isinstance(inner[0], Message) else None
    return None


def _nonce(original: Message | None, blocks: Sequence[Message], report: Message) -> str | None:
    """Our name for the mail: of its own Message-ID, else what the report says of it."""
    for where, names in (
        *([(original, ("Message-ID",))] if original is not None else []),
        *((block, ("Original-Message-ID", "X-Original-Message-ID", "Original-Envelope-Id")) for block in blocks),
        (report, ("X-Original-Message-ID", "In-Reply-To", "References", "X-Failed-Message-ID")),
    ):
        for name in names:
            if found := _OURS.search(_header(where, name)):
                return found[1]
    return None


def _told(nonce: str, at: datetime | None, block: Message) -> ProviderEvent | None:
    action, status = _header(block, "Action").split(";")[0].strip().lower(), _status(block)
    word = WORDS.get(action)
    address = _address(block)
    if word is None or address is None:
        return None
    said = _header(block, "Diagnostic-Code").partition(";")[2].strip()
    permanent = action == "failed" and not status.startswith("4")
    nobody = permanent and is_nobody(said, status=status)
    reason = shown(f"a report came back: {action} {status} {said}")
    fingerprint = digest(nonce, action, status, address, at.isoformat() if at else None)
    return ProviderEvent(
        event=fingerprint,
        fingerprint=fingerprint,
        name=NAMES[word],
        message=nonce,
        at=at,
        word=word,
        address=address,
        suppress="hard_bounce" if nobody else None,
        reason=reason,
        noted=True,
        by_anybody=True,
    )


def _status(block: Message) -> str:
    found = _STATUS.search(_header(block, "Status"))
    return found[0] if found else ""


def _address(block: Message) -> str | None:
    """Whom the mail was for: as we wrote it where the report says so, else where it ended."""
    for name in ("Original-Recipient", "Final-Recipient"):
        _, _, address = _header(block, name).rpartition(";")
        address = address.strip().strip("<>").lower()
        if "@" in address and len(address) <= _MOST_ADDRESS and address.isprintable():
            return address
    return None


def _moment(message: Message | None, names: Sequence[str]) -> datetime | None:
    for text in (_header(message, name) for name in names if message is not None):
        try:
            found = parsedate_to_datetime(text)
        except (ValueError, TypeError, IndexError, OverflowError):
            continue
        return found if found.tzinfo else found.replace(tzinfo=UTC)
    return None


def _header(message: Message | None, name: str) -> str:
    """A header on one line, encoded words read; empty where there is none."""
    raw: Any = message[name] if message is not None else None
    if raw is None:
        return ""
    text = " ".join(str(raw).split())[:MOST_HEADER]
    try:
        return str(make_header(decode_header(text))) if "=?" in text else text
    except (HeaderParseError, LookupError, ValueError):
        return text


_DELIVERY_STATUS: Final = "message/delivery-status"
_HEADERS_ALONE: Final = ("text/rfc822-headers", "message/rfc822-headers")
WORDS: Final[dict[str, ProviderWord]] = {
    "failed": "bounced",
    "delayed": "taken",
    "relayed": "taken",
    "delivered": "delivered",
}
NAMES: Final[dict[ProviderWord, str]] = {"bounced": "bounce", "taken": "deferred", "delivered": "delivered"}
