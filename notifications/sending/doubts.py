"""Messages in doubt of which no provider speaks for long: what each kind's policy says is done, once for each doubt."""

from __future__ import annotations

from typing import Final

from notifications.rules.statuses import when_in_doubt
from schemas.messages import Policy, Status
from storage.database import Conn
from storage.messages import offer_alerts, provider_events, statuses
from storage.messages.doubts import doubtful
from storage.messages.statuses import StatusChange

PATIENCE: Final = 3600.0  # seconds; what SendGrid takes, it speaks of within minutes
AT_ONCE: Final = 500
LOOKED: Final = "still in doubt"


async def settle(conn: Conn) -> int:
    """Settle what is in doubt for longer than PATIENCE, in one transaction; returns how many messages that were."""
    async with conn.transaction():
        found = await doubtful(conn, patience=PATIENCE, limit=AT_ONCE)
        standing = await statuses.lock(conn, found)
        policies = {
            id: when_in_doubt(each.kind, found[id]) for id, each in standing.items() if each.status == "unknown"
        }
        await statuses.move(conn, [_move(id, policy) for id, policy in policies.items()])
        await offer_alerts.tell_hr(conn, [id for id, policy in policies.items() if policy == "ask_hr"], ["unknown"])
        await provider_events.prune(conn)
    return len(policies)


def _move(id: int, policy: Policy) -> StatusChange:
    status, reason = OUTCOMES[policy]
    return StatusChange(id, status, "doubt", reason)


OUTCOMES: Final[dict[Policy, tuple[Status, str]]] = {
    "ask_hr": ("unknown", f"{LOOKED}: the provider said nothing for an hour; HR is asked"),
    "resend": ("requested", "in doubt for an hour; a message of this kind goes once more"),
    "give_up": ("failed", "in doubt for an hour; a message of this kind is not sent again"),
    "leave": ("unknown", f"{LOOKED}: the provider said nothing for an hour"),
}
