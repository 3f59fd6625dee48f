"""A database full of messages to send, and the senders of a worker, beside a process of their own, to send them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any, Final

from schemas.messages import MessageRequest
from schemas.settings import Settings, load_settings
from storage.database import connect
from storage.messages import asking
from streams.apply import apply_batch
from streams.intake import Incoming
from tests.facts import event, opened, signed_up
from yinfeng.senders import Senders

OFFERS: Final = "offer"
CONFIRMATIONS: Final = "signup_confirmation"  # each with a QR code of its own
REMINDERS: Final = "fair_rescheduled"
BATCH: Final = 5000
TERMS: Final = {"employer": "huayou", "position": "engineer"}


def fill(url: str, kind: str, count: int) -> None:
    """Ask for so many messages of this kind, each to somebody else; nothing else waits to be sent."""
    asyncio.run(_fill(url, kind, count))


async def _fill(url: str, kind: str, count: int) -> None:
    start = (datetime.now(UTC) + timedelta(days=30)).replace(microsecond=0)
    when = {"starts_at": start.isoformat(), "ends_at": (start + timedelta(hours=7)).isoformat()}
    fair = event("fair.scheduled", id="fair", fair="f1", title="武汉理工大学双选会", mode="onsite", city="武汉", **when)
    async with await connect(url, name="bench") as conn:
        await _apply(conn, [opened(id="opened"), fair])
        people = iter([f"{kind}-{number}" for number in range(count)])
        while some := list(islice(people, BATCH)):
            await _apply(conn, [fact for who in some for fact in _facts(kind, who)])
            await conn.execute("DELETE FROM messages WHERE status = 'requested' AND kind <> %s", [kind])
            if kind == REMINDERS:
                await asking.request(conn, [_notice(who) for who in some])
        await conn.execute("ANALYZE")


async def _apply(conn: Any, events: list[dict[str, Any]]) -> None:
    batch = [Incoming("yinfeng.facts", 0, n, None, json.dumps(e).encode(), ()) for n, e in enumerate(events)]
    await apply_batch(conn, batch, now=datetime.now(UTC))


def _facts(kind: str, who: str) -> Iterator[dict[str, Any]]:
    yield signed_up(who, id=f"{who}-s", name=f"李{who}", email=f"{who}@mail.example", fair="f1")
    if kind == OFFERS:
        yield event("offer.extended", id=f"{who}-o", candidate=who, offer=f"o-{who}", **TERMS)


def _notice(who: str) -> MessageRequest:
    return MessageRequest(REMINDERS, f"bench:{who}", "grads-2026", who, {"fair": "f1"})


async def send(settings: Settings) -> None:
    """Send what is due until killed, as a worker has it sent."""
    senders = Senders(settings)
    senders.start()
    senders.release()
    await senders.keep()


if __name__ == "__main__":
    asyncio.run(send(load_settings()))
