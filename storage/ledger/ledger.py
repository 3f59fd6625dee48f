"""The ledger: outbox of facts that came over HTTP, inbox of all facts when they are applied."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

from schemas.catalogue import CATALOGUE
from schemas.facts import Fact
from storage.arrays import Column, column, columns, split
from storage.database import Conn
from storage.ledger.events import BESIDE, FRAME, WHOLE, lean_events, read_event, says, stored, whole_events

PENDING_CHANNEL = "yinfeng_pending"
Identity = tuple[str, str]
JourneyKey = tuple[str, str]

# They come in the order of their identities, and are inserted in it: two that have the same facts in opposite orders
# would else wait for each other. Numbered as they are inserted, which fills the pages of their index: facts of several
# partitions have no other order among them. Nobody posted them: an empty word takes less room than none.
_PUT = f"""
INSERT INTO facts (seq, source, id, type, campaign, candidate, time, event, posted_by)
OVERRIDING SYSTEM VALUE
SELECT nextval('facts_seq_seq'), source, id, type, campaign, candidate, time, {stored("f.said")},
       CASE WHEN NOT {BESIDE} THEN '' END
FROM (
    SELECT u.*, event::jsonb AS said
    FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::timestamptz[], {split()})
         AS u(source, id, type, campaign, candidate, time, event)
) AS f
"""
_INSERT = f"{_PUT} ON CONFLICT (source, id) DO NOTHING RETURNING seq, source, id"
# Supposed new, none is looked for first, nor marked as it is inserted; and all are numbered, in their order.
_INSERT_NEW = f"{_PUT} RETURNING seq"
# The same for facts that are to be published, numbered in the order in which they were said: into the ledger and the
# outbox with one statement, so in one transaction.
_APPEND = f"""
WITH said AS (
    SELECT nextval('facts_seq_seq') AS seq, u.*
    FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::timestamptz[], {split()}, %s::text[])
         WITH ORDINALITY AS u(source, id, type, campaign, candidate, time, event, posted_by, place)
), fresh AS (
    INSERT INTO facts (seq, source, id, type, campaign, candidate, time, event, posted_by)
    OVERRIDING SYSTEM VALUE
    SELECT seq, source, id, type, campaign, candidate, time, {stored("f.said")}, posted_by
    FROM (SELECT *, event::jsonb AS said FROM said) AS f ORDER BY source COLLATE "C", id COLLATE "C"
    ON CONFLICT (source, id) DO NOTHING
    RETURNING seq
), queued AS (
    INSERT INTO pending (seq, size)
    SELECT seq, octet_length(event) + octet_length(concat(source, id, type, campaign, candidate)) + {FRAME}
    FROM said JOIN fresh USING (seq)
)
SELECT place, seq FROM said JOIN fresh USING (seq)
"""
_NUMBERS = """
SELECT f.seq, f.source, f.id FROM facts f JOIN unnest(%s::text[], %s::text[]) AS k(source, id) USING (source, id)
"""
_NAMED = f"""
SELECT {WHOLE} FROM facts f JOIN unnest(%s::text[], %s::text[]) AS k(source, id) USING (source, id) ORDER BY f.seq
"""
_FATES = """
SELECT k.seq, f.seq IS NOT NULL FROM unnest(%s::bigint[]) AS k(seq) LEFT JOIN facts f USING (seq)
WHERE NOT EXISTS (SELECT FROM pending p WHERE p.seq = k.seq)
"""
_SIZES = f"SELECT octet_length(e::jsonb::text) FROM unnest({split()}) WITH ORDINALITY AS u(e, n) ORDER BY n"
_CLAIM_SAID = f"""
DELETE FROM pending p USING facts f, unnest(%s::bigint[], %s::text[]) AS k(seq, event)
WHERE p.seq = k.seq AND f.seq = k.seq AND {WHOLE} IS NOT DISTINCT FROM k.event AND f.type = ANY(%s::text[])
RETURNING f.seq
"""
_SET_ASIDE = f"""
WITH taken AS (
    DELETE FROM pending p USING facts f WHERE p.seq = %s AND f.seq = p.seq AND {WHOLE} = %s RETURNING p.seq
)
DELETE FROM facts f USING taken WHERE f.seq = taken.seq
"""
_WORDS = f"SELECT f.seq, {WHOLE} FROM facts f WHERE f.seq = ANY(%s::bigint[])"
_CLAIM_IDENTITIES = f"""
DELETE FROM pending p USING facts f, unnest(%s::text[], %s::text[]) AS k(source, id)
WHERE f.source = k.source AND f.id = k.id AND p.seq = f.seq AND f.type = ANY(%s::text[])
RETURNING f.seq, {WHOLE}
"""
_WITH_RETRACTIONS = """
SELECT k.campaign FROM unnest(%s::text[]) AS k(campaign)
WHERE EXISTS (SELECT FROM retractions r WHERE r.campaign = k.campaign)
"""
_RETRACTED = """
SELECT r.campaign, r.source, r.id FROM retractions r
JOIN unnest(%s::text[], %s::text[], %s::text[]) AS k(campaign, source, id)
  ON (r.campaign, r.source, r.id) = (k.campaign, k.source, k.id)
"""
_FIND_APPLIED = f"""
SELECT {WHOLE} FROM facts f
JOIN unnest(%s::text[], %s::text[], %s::text[]) AS k(campaign, source, id)
  ON f.source = k.source AND f.id = k.id AND f.campaign = k.campaign
WHERE NOT EXISTS (SELECT FROM pending p WHERE p.seq = f.seq)
"""
_OF_CANDIDATES = f"""
SELECT f.campaign, f.candidate, {WHOLE} FROM facts f
JOIN unnest(%s::text[], %s::text[]) AS k(campaign, candidate)
  ON f.campaign = k.campaign AND f.candidate = k.candidate
WHERE NOT EXISTS (SELECT FROM pending p WHERE p.seq = f.seq)
"""
_WAITING_OF = """
SELECT DISTINCT f.campaign, f.candidate FROM facts f JOIN pending p USING (seq)
JOIN unnest(%s::text[], %s::text[]) AS k(campaign, candidate)
  ON f.campaign = k.campaign AND f.candidate = k.candidate
"""
_WAITS_TO_BE_ERASED = """
SELECT EXISTS (SELECT FROM facts f JOIN pending p USING (seq)
               WHERE f.campaign = %s AND f.candidate = %s AND f.type = 'candidate.erased')
"""
_REWRITE = f"""
UPDATE facts f SET event = {stored("u.said")}
FROM (SELECT seq, event::jsonb AS said FROM unnest(%s::bigint[], {split()}) AS u(seq, event)) AS u WHERE f.seq = u.seq
"""
_SPOKEN_OF = """
SELECT k.candidate FROM unnest(%s::text[]) AS k(candidate)
WHERE EXISTS (SELECT FROM facts f WHERE f.campaign = %s AND f.candidate = k.candidate)
"""
_OF_CAMPAIGN = f"""
SELECT {WHOLE} FROM facts f
WHERE f.campaign = %s AND f.candidate IS NULL AND NOT EXISTS (SELECT FROM pending p WHERE p.seq = f.seq)
"""
_OF_OPENINGS = f"""
SELECT {WHOLE} FROM facts f
WHERE f.campaign = %s AND f.candidate IS NULL AND f.type = 'opening.set'
  AND f.event->'data'->>'opening' = ANY(%s) AND NOT EXISTS (SELECT FROM pending p WHERE p.seq = f.seq)
"""
_OF_EMPLOYERS = f"""
SELECT {WHOLE} FROM facts f
WHERE f.campaign = %s AND f.candidate IS NULL AND f.type = 'employer.set'
  AND f.event->'data'->>'employer' = ANY(%s) AND NOT EXISTS (SELECT FROM pending p WHERE p.seq = f.seq)
"""
_BUT_LISTS = f"{_OF_CAMPAIGN} AND f.type NOT IN ('opening.set', 'employer.set')"
_CAMPAIGNS = """
WITH RECURSIVE c AS (
    (SELECT campaign FROM facts ORDER BY campaign LIMIT 1)
    UNION ALL
    SELECT (SELECT f.campaign FROM facts f WHERE f.campaign > c.campaign ORDER BY f.campaign LIMIT 1)
    FROM c WHERE c.campaign IS NOT NULL
) SELECT campaign FROM c WHERE campaign IS NOT NULL
"""


async def append(conn: Conn, facts: Sequence[Fact], *, posted_by: str | None) -> dict[Identity, int]:
    """Accept facts, to be published and applied: in the ledger and the outbox, in one transaction.

    Returns the identities that were new, with their numbers; the others are duplicates. Facts must be unique by
    identity. Call `ring` once it is committed.
    """
    return await append_all(conn, facts, [posted_by] * len(facts))


async def append_all(conn: Conn, facts: Sequence[Fact], posted_by: Sequence[str | None]) -> dict[Identity, int]:
    """The same for facts of several posters: who posted each."""
    cursor = await conn.execute(_APPEND, [*_columns(facts), column(posted_by)])
    return {facts[place - 1].identity: seq for place, seq in await cursor.fetchall()}


async def wait_for_locks(conn: Conn, seconds: float) -> None:
    """Within this transaction, wait no longer than so for what others hold: then ConcurrentChange."""
    await conn.execute("SELECT set_config('lock_timeout', %s, true)", [f"{seconds * 1000:.0f}ms"])


async def numbers(conn: Conn, identities: Sequence[Identity]) -> dict[Identity, int]:
    """The ledger's numbers of these facts, where it has them."""
    cursor = await conn.execute(_NUMBERS, columns(identities, 2))
    return {(source, id): seq for seq, source, id in await cursor.fetchall()}


async def named(conn: Conn, identities: Sequence[Identity]) -> list[Fact]:
    """These facts, where the ledger has them."""
    cursor = await conn.execute(_NAMED, columns(identities, 2))
    return [read_event(event) for (event,) in await cursor.fetchall()]


async def fates(conn: Conn, seqs: Collection[int]) -> dict[int, bool]:
    """Which of these facts no longer wait: number → whether it is applied, rather than among the dead letters."""
    cursor = await conn.execute(_FATES, [list(seqs)])
    return dict(await cursor.fetchall())


async def ring(conn: Conn) -> None:
    """Let the relay know that facts wait. Never within the transaction that accepts them: those that notify commit one
    after another, which made a third of the rate."""
    await conn.execute(f"NOTIFY {PENDING_CHANNEL}")


async def published_sizes(conn: Conn, facts: Sequence[Fact]) -> list[int]:
    """How many bytes each of these events has as it is published."""
    cursor = await conn.execute(_SIZES, [whole_events(facts)])
    return [size for (size,) in await cursor.fetchall()]


async def claim(conn: Conn, said: Sequence[tuple[int, str]]) -> set[int]:
    """Take waiting facts out of the outbox: (number, event as the relay publishes it) of each. Returns the numbers.

    Who deletes the row applies the fact. A number that is missing was applied before, is another fact's here, or its
    type is one that a later version of Yinfeng knows: that fact is left waiting for it.
    """
    if not said:
        return set()
    cursor = await conn.execute(_CLAIM_SAID, [*columns(said, 2), list(CATALOGUE)])
    return {seq for (seq,) in await cursor.fetchall()}


async def same(conn: Conn, said: Collection[tuple[int, str]]) -> set[tuple[int, str]]:
    """Which of these (number, event) stand in the ledger and say the same there."""
    cursor = await conn.execute(_WORDS, [column([seq for seq, _ in said])])
    there = {seq: read_event(event).event for seq, event in await cursor.fetchall()}
    return {(seq, event) for seq, event in said if seq in there and says(event, there[seq])}


class ClaimedFacts(NamedTuple):
    """What is to be applied now of facts that came straight over Kafka: those that were `new`, and the ledger's own
    word where the same identity `waited` there; the ledger's `numbers` of all of them."""

    new: list[Fact]
    waited: list[Fact]
    numbers: dict[Identity, int]


async def claim_new(conn: Conn, facts: Sequence[Fact], *, supposed_new: bool = False) -> ClaimedFacts:
    """Facts that came straight over Kafka: put into the ledger. Facts must be unique by identity. `supposed_new`: none
    of them is there (see storage.database.supposing)."""
    if not facts:
        return ClaimedFacts([], [], {})
    ordered = sorted(facts, key=lambda fact: (fact.source, fact.id))
    if supposed_new:
        given = sorted(seq for (seq,) in await (await conn.execute(_INSERT_NEW, _columns(ordered))).fetchall())
        return ClaimedFacts(list(facts), [], dict(zip([fact.identity for fact in ordered], given, strict=True)))
    cursor = await conn.execute(_INSERT, _columns(ordered))
    numbers = {(source, id): seq for seq, source, id in await cursor.fetchall()}
    if len(numbers) == len(facts):
        return ClaimedFacts(list(facts), [], numbers)
    by_identity = {(fact.source, fact.id): fact for fact in facts}
    new = [fact for identity, fact in by_identity.items() if identity in numbers]
    known = list(by_identity.keys() - numbers.keys())
    cursor = await conn.execute(_CLAIM_IDENTITIES, [*columns(known, 2), list(CATALOGUE)])
    waited = [(seq, read_event(event)) for seq, event in await cursor.fetchall()]
    return ClaimedFacts(new, [fact for _, fact in waited], numbers | {fact.identity: seq for seq, fact in waited})


async def rewrite(conn: Conn, facts: Sequence[tuple[int, Fact]]) -> None:
    """Let facts, by their numbers, say what they say in another form: sealed, or without what was erased."""
    if facts:
        numbers = column([seq for seq, _ in facts])
        await conn.execute(_REWRITE, [numbers, lean_events(fact for _, fact in facts)])


async def waiting_of(conn: Conn, keys: Iterable[JourneyKey]) -> set[JourneyKey]:
    """Of which of these candidates something was said that is not applied yet."""
    cursor = await conn.execute(_WAITING_OF, columns(list(keys), 2))
    return {(campaign, candidate) for campaign, candidate in await cursor.fetchall()}


async def waits_to_be_erased(conn: Conn, key: JourneyKey) -> bool:
    """Whether this candidate's erasure is accepted, and not applied yet."""
    row = await (await conn.execute(_WAITS_TO_BE_ERASED, [*key])).fetchone()
    return bool(row and row[0])


async def set_aside(conn: Conn, seq: int, event: str) -> bool:
    """Take a waiting fact out of the ledger, if it is this very event. Returns whether it was there."""
    return (await conn.execute(_SET_ASIDE, [seq, event])).rowcount > 0


async def retracted(conn: Conn, facts: Collection[Fact]) -> set[tuple[str, str, str]]:
    """Which of these facts were retracted: (campaign, source, id) of each."""
    named = column(sorted({fact.campaign for fact in facts}))
    some = {campaign for (campaign,) in await (await conn.execute(_WITH_RETRACTIONS, [named])).fetchall()}
    keys = [(f.campaign, f.source, f.id) for f in facts if f.campaign in some]
    if not keys:
        return set()
    cursor = await conn.execute(_RETRACTED, columns(keys, 3))
    return {(c, s, i) for c, s, i in await cursor.fetchall()}


async def retract(conn: Conn, keys: Iterable[tuple[str, str, str]]) -> list[Fact]:
    """Note what is retracted: (campaign, source, id). Returns those of the facts that were applied before."""
    named = columns(sorted(keys), 3)
    await conn.execute(
        "INSERT INTO retractions (campaign, source, id) SELECT * FROM unnest(%s::text[], %s::text[], %s::text[])"
        " ON CONFLICT DO NOTHING",
        named,
    )
    cursor = await conn.execute(_FIND_APPLIED, named)
    return [read_event(event) for (event,) in await cursor.fetchall()]


async def facts_of_candidates(conn: Conn, keys: Iterable[JourneyKey]) -> dict[JourneyKey, list[Fact]]:
    """All applied facts of these candidates, retracted ones among them."""
    found: dict[JourneyKey, list[Fact]] = {key: [] for key in keys}
    cursor = await conn.execute(_OF_CANDIDATES, columns(list(found), 2))
    for campaign, candidate, event in await cursor.fetchall():
        found[campaign, candidate].append(read_event(event))
    return found


async def spoken_of(conn: Conn, campaign: str, candidates: Collection[str]) -> set[str]:
    """Of which of these candidates the ledger has a fact, applied or not."""
    cursor = await conn.execute(_SPOKEN_OF, [column(sorted(candidates)), campaign])
    return {candidate for (candidate,) in await cursor.fetchall()}


async def facts_of_campaign(conn: Conn, campaign: str) -> list[Fact]:
    """All applied facts of a campaign that name no candidate."""
    cursor = await conn.execute(_OF_CAMPAIGN, [campaign])
    return [read_event(event) for (event,) in await cursor.fetchall()]


async def facts_of_openings(conn: Conn, campaign: str, openings: Collection[str]) -> list[Fact]:
    """The applied facts that set these openings."""
    cursor = await conn.execute(_OF_OPENINGS, [campaign, list(openings)])
    return [read_event(event) for (event,) in await cursor.fetchall()]


async def facts_of_employers(conn: Conn, campaign: str, employers: Collection[str]) -> list[Fact]:
    """The applied facts that say how these employers are called."""
    cursor = await conn.execute(_OF_EMPLOYERS, [campaign, list(employers)])
    return [read_event(event) for (event,) in await cursor.fetchall()]


async def facts_but_lists(conn: Conn, campaign: str) -> list[Fact]:
    """All applied facts of a campaign that name no candidate, save those that set openings and employers, of which
    there are many."""
    cursor = await conn.execute(_BUT_LISTS, [campaign])
    return [read_event(event) for (event,) in await cursor.fetchall()]


async def campaigns(conn: Conn) -> list[str]:
    """Every campaign that any fact speaks of."""
    cursor = await conn.execute(_CAMPAIGNS)
    return [campaign for (campaign,) in await cursor.fetchall()]


async def count_pending(conn: Conn) -> int:
    """How many facts are accepted and not applied yet."""
    row = await (await conn.execute("SELECT count(*) FROM pending")).fetchone()
    return int(row[0]) if row else 0


def _columns(facts: Sequence[Fact]) -> list[Column]:
    rows = [(fact.source, fact.id, fact.type, fact.campaign, fact.candidate, fact.time) for fact in facts]
    return [*columns(rows, 6), lean_events(facts)]
