"""HR is told when a mail service refuses us: a bad key or password, which no waiting mends. Once a day for each."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from notifications.channels.port import Outcome
from notifications.sending.situation import Situation, Values
from schemas.masking import masked
from schemas.messages import CHANNEL_REFUSED, MessageRequest, dedupe_key
from storage.messages.claiming import Claimed


def alarm(
    channel: str, claimed: Sequence[Claimed], outcomes: Sequence[Outcome], now: datetime
) -> MessageRequest | None:
    """What HR is to be told of what became of these messages; None where the channel takes our mail."""
    reason = next((outcome.reason for outcome in outcomes if outcome.refuses_us), None)
    if reason is None or not claimed:
        return None
    key = dedupe_key(CHANNEL_REFUSED, "", None, [channel, now.date().isoformat()])
    params = {"channel": channel, "reason": masked(reason)}
    return MessageRequest(CHANNEL_REFUSED, key, claimed[0].campaign, None, params)


def letter(situation: Situation) -> Values:
    """Which service, what it said, and where the messages that wait are listed."""
    return {
        "channel": situation.message.params["channel"],
        "reason": situation.message.params["reason"],
        "link": f"{situation.sender.base_url}/messages?status=held",
    }
