"""A database that was restored from a copy: what the lost one did since is not known, and is not done again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from schemas.journey import Journey
from storage.database import Conn
from storage.journeys.states import read
from storage.ledger.ledger import JourneyKey
from storage.ledger.positions import Log
from storage.messages import statuses
from storage.messages.asking import RESTORED

SKIPPED: Final = 1_000_000  # numbers that the lost database may have given since the copy

# Whether mail went is not known of what was due or under way; what waits for a later time can't have gone.
_DOUBT: Final = """
SELECT id, 'unknown' AS status, 'restored' AS cause, %(reason)s AS reason, %(note)s AS note FROM messages
WHERE status IN ('requested', 'claimed', 'held') AND coalesce(not_before, requested_at) <= now()
"""
_POSITIONS: Final = """
INSERT INTO positions AS p (cluster, topic, topic_id, partition, next_offset, doubt_until)
SELECT %s, %s, %s, partition, start, upto
FROM unnest(%b::int[], %b::bigint[], %b::bigint[]) AS u(partition, start, upto)
ON CONFLICT (cluster, topic, topic_id, partition) DO UPDATE
SET doubt_until = greatest(coalesce(p.doubt_until, 0), excluded.doubt_until)
"""
_SEQUENCES: Final = """
SELECT setval('facts_seq_seq', greatest((SELECT coalesce(max(seq), 0) FROM facts), nextval('facts_seq_seq')) + %(n)s),
       setval('messages_id_seq',
              greatest((SELECT coalesce(max(id), 0) FROM messages), nextval('messages_id_seq')) + %(n)s),
       setval('revisions', nextval('revisions') + %(n)s)
"""
# How far targets have come is told anew, under ids that the lost database never gave: who goes by those, and heard of
# what is lost, would take what stands in the copy for old news.
_TARGETS: Final = "UPDATE targets SET revision = nextval('revisions')"
_JOURNEYS: Final = """
SELECT campaign, candidate, state FROM journeys
WHERE merged_into IS NULL AND (campaign, candidate) > (%s, %s) ORDER BY campaign, candidate LIMIT %s
"""
_PORTION: Final = 2000  # journeys
_OTHERS: Final = """
SELECT DISTINCT application_name FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND application_name LIKE 'yinfeng-%%' ORDER BY 1
"""


@dataclass(frozen=True, slots=True)
class Restored:
    """What was put in order: messages that are `unknown` now, partitions whose records are read again."""

    messages: int
    partitions: int
    records: int


async def at_work(conn: Conn) -> list[str]:
    """Who else of ours is connected to this database."""
    return [name for (name,) in await (await conn.execute(_OTHERS)).fetchall()]


async def nameless(conn: Conn, limit: int) -> tuple[list[JourneyKey], int]:
    """Who has signed up, was not erased, and is called nothing: so many at most, and how many there are. What was said
    of them came again from Kafka, sealed under keys that were made after the copy."""
    found: list[JourneyKey] = []
    count, after = 0, ("", "")
    while rows := await (await conn.execute(_JOURNEYS, [*after, _PORTION])).fetchall():
        called_nothing = [(campaign, candidate) for campaign, candidate, state in rows if _is_nameless(read(state))]
        found += called_nothing[: limit - len(found)]
        count += len(called_nothing)
        after = rows[-1][:2]
    return found, count


def _is_nameless(journey: Journey) -> bool:
    """Every signup has a name: of whom none was left, it is sealed under a key that the copy did not have."""
    named = "name" in journey.told or "name" in journey.attributes
    return journey.first_signup is not None and not journey.erased and not named


async def put_in_order(
    conn: Conn, since: datetime, log: Log, starts: Mapping[int, int], ends: Mapping[int, int]
) -> Restored:
    """Take everything that may have happened since the copy for possible, and nothing for done.

    The log's records up to its present `ends` may have been read by the lost database: they are read again, from the
    copy's positions, and count; but the messages that they ask for may have gone. Harmless to call again.
    """
    async with conn.transaction():
        note = f"{RESTORED} from a copy of {since.isoformat(timespec='seconds')}"
        doubted = await statuses.change(conn, _DOUBT, {"reason": RESTORED, "note": note})
        await conn.execute("UPDATE pending SET published_at = NULL")
        await conn.execute("UPDATE leases SET expires_at = '-infinity'")
        await conn.execute(_SEQUENCES, {"n": SKIPPED})
        await conn.execute(_TARGETS)
        columns = [list(ends), [starts.get(partition, 0) for partition in ends], list(ends.values())]
        await conn.execute(_POSITIONS, [log.cluster, log.topic, log.topic_id, *columns])
        cursor = await conn.execute(
            "SELECT count(*), coalesce(sum(greatest(doubt_until - next_offset, 0)), 0) FROM positions"
            " WHERE topic_id = %s AND doubt_until > next_offset",
            [log.topic_id],
        )
        row = await cursor.fetchone()
    partitions, records = row or (0, 0)
    return Restored(len(doubted), partitions, int(records))
