"""What stays in the ledger of those who were erased: each of their facts without what was personal in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from schemas.catalogue import CATALOGUE
from schemas.facts import Fact
from schemas.sealed import SEALED, personal_fields
from storage.arrays import column, columns
from storage.database import Conn
from storage.ledger.events import OF_TIME, WHOLE, read_event
from storage.ledger.ledger import JourneyKey
from storage.vault.sealing import PLAIN_ATTRIBUTES, personal

# Nearly all of the facts `f` that may have something personal in the clear: what has, is looked at one by one.
CLEAR_FIELDS: Final = "%(fields)s::text[]"
MAYBE_CLEAR: Final = f"(f.event->'data' ?| {CLEAR_FIELDS} OR f.event - %(attributes)s::text[] <> '{{}}')"
CLEAR_VALUES: Final = {
    "fields": column(sorted({field for type in CATALOGUE for field in personal_fields(type)})),
    "attributes": column(sorted({*PLAIN_ATTRIBUTES, OF_TIME})),
}
# Of most nothing but their seal goes: what they say need not be read for that.
_TOLD: Final = f"""
SELECT f.seq, CASE WHEN f.time > k.cut OR {MAYBE_CLEAR} THEN {WHOLE} END
FROM unnest(%(campaigns)s::text[], %(candidates)s::text[], %(cuts)s::timestamptz[]) AS k(campaign, candidate, cut)
JOIN facts f USING (campaign, candidate)
WHERE f.event ? '{SEALED}' OR {MAYBE_CLEAR}
"""
# That columns are set, though to what they are, tells Postgres that the entries of their indexes are new ones: else it
# looks in each full page of them for older versions of these rows to take away, which takes four times as long as all
# the rest, and finds none.
AS_NEW: Final = "id = f.id, candidate = f.candidate"
_UNSEAL: Final = f"UPDATE facts f SET event = f.event - '{SEALED}', {AS_NEW} WHERE f.seq = ANY(%s::bigint[])"


@dataclass(frozen=True, slots=True)
class ToldFacts:
    """What the ledger has of persons that may be personal: `before`, the numbers of facts that were said up to their
    erasure and have nothing personal but what is sealed; `others`, with their numbers: those that were said later, and
    those that may have more."""

    before: Sequence[int]
    others: Sequence[tuple[int, Fact]]


async def told_of(conn: Conn, moments: Mapping[JourneyKey, datetime]) -> ToldFacts:
    """What the ledger has of these persons, who were erased then; also what waits to be applied."""
    rows = [(*key, at) for key, at in moments.items()]
    named = dict(zip(("campaigns", "candidates", "cuts"), columns(rows, 3), strict=True))
    found = await (await conn.execute(_TOLD, {**CLEAR_VALUES, **named})).fetchall()
    others = [(seq, read_event(text)) for seq, text in found if text is not None]
    return ToldFacts(
        [seq for seq, text in found if text is None],
        [(seq, fact) for seq, fact in others if SEALED in fact.event or personal(fact.event)],
    )


async def take_seals(conn: Conn, numbers: Sequence[int]) -> None:
    """Take the seal, and what is in it, out of these facts."""
    await conn.execute(_UNSEAL, [column(numbers)])
