"""HR takes a message in hand: it goes once more, or never. Both need a reason, which is kept."""

from __future__ import annotations

from notifications.rules.statuses import HrStep, may
from schemas.errors import Conflict, NotFound, Refused
from storage.database import Conn
from storage.messages import reading, statuses, suppressions
from storage.messages.statuses import MessageState, StatusChange

MOST_OF_A_REASON = 1000


async def resend(conn: Conn, id: int, *, by: str, reason: str, force: bool = False) -> None:
    """Let a message go once more; it is checked anew when it goes. `force`: although its reader may have it already.

    Raises NotFound, Refused without a reason, Conflict when it stands so that it can't.
    """
    await _step(conn, id, "resend", by=by, reason=reason, force=force)


async def cancel(conn: Conn, id: int, *, by: str, reason: str) -> None:
    """Let a message that has not gone never go. Raises as `resend` does."""
    await _step(conn, id, "cancel", by=by, reason=reason, force=False)


async def lift(conn: Conn, id: int, *, by: str, reason: str) -> None:
    """Let mail go again to the address that a message was for; what waited for it goes now. Raises NotFound, and
    Refused without a reason."""
    said, message = _said(reason), await reading.fetch(conn, id)
    if message.recipient is None:
        raise NotFound(f"message {id} went to no address")
    await suppressions.lift(conn, message.recipient, by=by, reason=said)


async def _step(conn: Conn, id: int, step: HrStep, *, by: str, reason: str, force: bool) -> None:
    said = _said(reason)
    async with conn.transaction():
        message = (await statuses.lock(conn, [id])).get(id)
        if message is None:
            raise NotFound(f"there is no message {id}; `yinfeng messages list` shows them")
        _require(message, step, force=force)
        await statuses.move(conn, [_move(id, step, f"by {by}: {said}")])


def _said(reason: str) -> str:
    said = " ".join(reason.split())[:MOST_OF_A_REASON]
    if not said:
        raise Refused("say why: the reason is kept with the message")
    return said


def _require(message: MessageState, step: HrStep, *, force: bool) -> None:
    verdict = may(step, message.status)
    if message.forgotten and step == "resend":
        raise Conflict(f"message {message.id} was forgotten with its candidate: there is nothing left to send")
    if verdict == "no":
        raise Conflict(f"message {message.id} is {message.status}; {_INSTEAD[step]}")
    if verdict == "forced" and not force:
        raise Conflict(
            f"message {message.id} is {message.status}: its reader may have it already, "
            "so resending may send it twice; force it (--force) if that is meant"
        )


def _move(id: int, step: HrStep, said: str) -> StatusChange:
    if step == "resend":
        return StatusChange(id, "requested", "resent", None, f"resent {said}")
    return StatusChange(id, "cancelled", "hr", f"cancelled {said}")


_INSTEAD: dict[HrStep, str] = {
    "resend": "it is on its way already",
    "cancel": "only what waits, failed or is in doubt can be cancelled",
}
