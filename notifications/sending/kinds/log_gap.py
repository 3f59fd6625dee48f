"""HR is told when the log dropped facts before they were read: what was posted straight to Kafka and nowhere else is
lost then, and only those who posted it can post it again."""

from __future__ import annotations

from notifications.sending.situation import Situation, Values
from schemas.messages import LOG_GAP, MessageRequest, dedupe_key
from storage.database import Conn
from storage.ledger import gaps
from storage.ledger.gaps import Gap


async def requests(conn: Conn) -> list[MessageRequest]:
    """What HR is to be told of gaps that it was not told of. Nothing while there is no campaign to tell it for."""
    campaign = await gaps.campaign_to_tell(conn)
    found = await gaps.untold(conn) if campaign else []
    return [_request(campaign, gap) for gap in found] if campaign else []


def letter(situation: Situation) -> Values:
    """How many records are gone, and where they lay."""
    return {name: situation.message.params[name] for name in ("count", "topic", "partition", "since", "upto")}


def _request(campaign: str, gap: Gap) -> MessageRequest:
    params = {
        "count": gap.upto - gap.since,
        "topic": gap.topic,
        "partition": gap.partition,
        "since": gap.since,
        "upto": gap.upto - 1,
    }
    return MessageRequest(LOG_GAP, dedupe_key(LOG_GAP, campaign, None, [gap.id]), campaign, None, params)
