"""What SendGrid tells of mails, in our words. Nothing else knows its names.

Suppressed is an address that can't be reached or whose owner complained or unsubscribed. A mail that was refused for
what we did (its content, our reputation, our speed) is not its reader's fault.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from notifications.channels.afterwards import ProviderEvent, digest
from notifications.channels.port import shown
from notifications.rules.statuses import ProviderWord
from schemas.errors import Refused
from schemas.messages import SuppressionKind

ID_ARGUMENT: Final = "yinfeng_message"  # of a request; comes back at the top level of its events
MOST_EVENTS: Final = 10_000
_LATEST: Final = 2**33  # seconds since 1970
_MOST_ADDRESS: Final = 254
_NAME: Final = re.compile(r"[0-9a-f-]{36}|[1-9][0-9]{0,17}")


def read_events(body: bytes) -> list[ProviderEvent]:
    """The events of a request. What is no event is passed over. Raises Refused when the body is no JSON array."""
    try:
        found = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Refused("the body is not JSON") from None
    if not isinstance(found, list):
        raise Refused("the body must be a JSON array of events")
    if len(found) > MOST_EVENTS:
        raise Refused(f"a request may hold {MOST_EVENTS} events")
    return [_told(each) for each in found if isinstance(each, dict) and isinstance(each.get("event"), str)]


def _told(event: Mapping[str, Any]) -> ProviderEvent:
    name = event["event"]
    fingerprint = digest(*(event.get(key) for key in ("sg_message_id", "event", "timestamp", "email", ID_ARGUMENT)))
    own = event.get("sg_event_id")
    return ProviderEvent(
        event=digest(own) if isinstance(own, str) and own else fingerprint,
        fingerprint=fingerprint,
        name=name if name in WORDS or name in WITHOUT_A_WORD else "other",
        message=_message(event.get(ID_ARGUMENT)),
        at=_moment(event.get("timestamp")),
        word=WORDS.get(name),
        address=_address(event.get("email")),
        suppress=_suppression(event),
        reason=_reason(event),
    )


def _suppression(event: Mapping[str, Any]) -> SuppressionKind | None:
    name = event["event"]
    if name == "dropped":
        return DROPPED_FOR.get(_text(event, "reason").lower())
    if name == "bounce":
        ours = _text(event, "bounce_classification").lower() in OUR_FAULTS
        return None if ours or _text(event, "type").lower() != "bounce" else "hard_bounce"
    return SUPPRESSING.get(name)


def _reason(event: Mapping[str, Any]) -> str:
    said = [_text(event, key) for key in ("type", "bounce_classification", "status", "reason", "response")]
    return shown(f"the provider says: {event['event']} " + " ".join(filter(None, said)))


def _text(event: Mapping[str, Any], key: str) -> str:
    value = event.get(key)
    return value if isinstance(value, str) else ""


def _message(value: Any) -> str | None:
    """Our name for the message, which came back as the text that we sent; of an older mail, a number."""
    text = str(value) if isinstance(value, str | int) else ""
    return text if _NAME.fullmatch(text) else None


def _moment(value: Any) -> datetime | None:
    whole = isinstance(value, int) and not isinstance(value, bool) and 0 < value < _LATEST
    return datetime.fromtimestamp(value, UTC) if whole else None


def _address(value: Any) -> str | None:
    fits = isinstance(value, str) and "@" in value and len(value) <= _MOST_ADDRESS and value.isprintable()
    return str(value).strip().lower() if fits else None


WORDS: Final[dict[str, ProviderWord]] = {
    "processed": "taken",
    "deferred": "taken",
    "delivered": "delivered",
    "open": "delivered",
    "click": "delivered",
    "unsubscribe": "delivered",
    "group_unsubscribe": "delivered",
    "dropped": "dropped",
    "bounce": "bounced",
    "blocked": "bounced",
    "spamreport": "complained",
}
WITHOUT_A_WORD: Final = frozenset({"group_resubscribe"})
SUPPRESSING: Final[dict[str, SuppressionKind]] = {
    "spamreport": "complaint",
    "unsubscribe": "unsubscribe",
    "group_unsubscribe": "unsubscribe",
}
DROPPED_FOR: Final[dict[str, SuppressionKind]] = {
    "bounced address": "hard_bounce",
    "spam reporting address": "complaint",
    "unsubscribed address": "unsubscribe",
}
# Classes of bounces that say nothing of the address.
OUR_FAULTS: Final = frozenset({"content", "reputation", "technical", "frequency/volume"})
