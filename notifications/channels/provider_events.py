"""What a provider tells of messages, taken in: one transaction for all, each event once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Final

from notifications.channels.afterwards import ProviderEvent
from notifications.channels.mime import ascii_domain
from notifications.rules.statuses import after
from schemas.messages import OFFER_TROUBLE, Status
from storage.database import Conn
from storage.messages import by_link, offer_alerts, provider_events, statuses, suppressions
from storage.messages.provider_events import Finding, Noted
from storage.messages.statuses import MessageState, StatusChange
from storage.messages.suppressions import Wish

# What stands so has gone: more that is told of it is kept in its history.
SPOKEN_OF: Final[frozenset[Status]] = frozenset({"sent", "delivered", "bounced"})
_WHOLE_SECONDS = timedelta(seconds=1)  # a provider's clock shows no parts of them


async def take(conn: Conn, events: Sequence[ProviderEvent]) -> int:
    """Move the messages on, suppress addresses, tell HR. Returns how many events were not known before."""
    async with conn.transaction():
        ids = await by_link.ids(conn, {each.message for each in events if each.message is not None})
        by_id = await statuses.lock(conn, set(ids.values()))
        standing = {name: by_id[id] for name, id in ids.items() if id in by_id}
        noted = [_noted(each, standing) for each in events]
        fresh = await provider_events.note(conn, noted)
        news = {each.fingerprint: each for each in reversed(events) if each.fingerprint in fresh}
        ours = [each for each in reversed(news.values()) if _is_ours(each, standing)]
        moves = moves_of(ours, standing)
        await statuses.move(conn, moves)
        await suppressions.add(conn, _wishes(ours, standing))
        await offer_alerts.tell_hr(conn, {move.id for move in moves}, OFFER_TROUBLE)
        unique = {each.fingerprint: each for each in noted}
        await provider_events.count(conn, [unique[each] for each in fresh])
    return len(fresh)


def moves_of(events: Iterable[ProviderEvent], standing: Mapping[str, MessageState]) -> list[StatusChange]:
    """What these events change, in order. What is told of a try before HR's last resend changes nothing. Pure."""
    stands = {message.id: message.status for message in standing.values()}
    moves: list[StatusChange] = []
    for each in events:
        message = standing.get(each.message or "")
        if message is None or each.word is None or _of_an_earlier_try(each, message):
            continue
        status = after(stands[message.id], each.word)
        if status is None and each.noted and stands[message.id] in SPOKEN_OF:
            status = stands[message.id]
        if status is not None:
            stands[message.id] = status
            moves.append(StatusChange(message.id, status, "provider", None if message.forgotten else each.reason))
    return moves


def _of_an_earlier_try(event: ProviderEvent, message: MessageState) -> bool:
    return message.resent_at is not None and event.at is not None and event.at + _WHOLE_SECONDS < message.resent_at


def _wishes(events: Iterable[ProviderEvent], standing: Mapping[str, MessageState]) -> list[Wish]:
    """Addresses to suppress, once each for each kind of reason. A forgotten person's is not kept."""
    found: defaultdict[tuple[str, str], list[Wish]] = defaultdict(list)
    for each in events:
        message = standing[each.message or ""]
        if each.suppress and each.address and not message.forgotten and not _of_an_earlier_try(each, message):
            wish = Wish(each.address, each.suppress, message.id, each.reason)
            found[each.address, each.suppress].append(wish)
    return [wishes[0] for wishes in found.values()]


def _is_ours(event: ProviderEvent, standing: Mapping[str, MessageState]) -> bool:
    """Whether it speaks of a message of ours and of the address that this went to, as far as that is known."""
    message = standing.get(event.message or "")
    if message is None:
        return False
    if not message.recipient or event.address is None:
        return not event.by_anybody
    return _same(message.recipient, event.address)


def _same(one: str, other: str) -> bool:
    """Whether two addresses are the same, however their domains are written."""
    try:
        return ascii_domain(one.lower()) == ascii_domain(other.lower())
    except ValueError:
        return one.lower() == other.lower()


def _noted(event: ProviderEvent, standing: Mapping[str, MessageState]) -> Noted:
    message = standing.get(event.message or "")
    finding: Finding = "foreign" if event.message is None else "ours" if _is_ours(event, standing) else "unknown"
    return Noted(event.event, event.fingerprint, event.name, message.id if message else None, finding)
