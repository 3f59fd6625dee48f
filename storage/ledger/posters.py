"""Who said what in the ledger: what the edge asks before it takes a fact."""

from __future__ import annotations

from collections.abc import Sequence

from schemas.facts import Fact
from schemas.sealed import Event
from storage.arrays import columns
from storage.database import Conn
from storage.journeys import merging
from storage.ledger.events import WHOLE, read_event
from storage.ledger.ledger import Identity
from storage.vault.process import vault
from storage.vault.sealing import personal, without

OfferKey = tuple[str, str, str]  # campaign, candidate, offer
OpeningKey = tuple[str, str]  # campaign, opening

_POSTED_BY = """
SELECT f.source, f.id FROM facts f JOIN unnest(%s::text[], %s::text[]) AS k(source, id) USING (source, id)
WHERE f.posted_by = %s
"""
_BY_LINK = "SELECT FROM facts WHERE source = %s AND id = %s AND starts_with(posted_by, 'link:')"
_BY_OTHERS = f"""
SELECT {WHOLE} FROM facts f JOIN unnest(%s::text[], %s::text[]) AS k(source, id) USING (source, id)
WHERE f.posted_by IS DISTINCT FROM %s
"""
_OFFERS_BY = """
SELECT DISTINCT f.campaign, f.candidate, f.event->'data'->>'offer', f.event->'data'->>'employer' FROM facts f
JOIN unnest(%s::text[], %s::text[], %s::text[]) AS k(campaign, candidate, offer)
  ON f.campaign = k.campaign AND f.candidate = k.candidate AND f.event->'data'->>'offer' = k.offer
WHERE f.type = 'offer.extended'
  AND NOT EXISTS (SELECT FROM retractions r WHERE (r.campaign, r.source, r.id) = (f.campaign, f.source, f.id))
"""
_OPENINGS_OF = """
SELECT DISTINCT f.campaign, f.event->'data'->>'opening', f.event->'data'->>'employer' FROM facts f
JOIN unnest(%s::text[], %s::text[]) AS k(campaign, opening)
  ON f.campaign = k.campaign AND f.event->'data'->>'opening' = k.opening
WHERE f.candidate IS NULL AND f.type = 'opening.set'
  AND NOT EXISTS (SELECT FROM retractions r WHERE (r.campaign, r.source, r.id) = (f.campaign, f.source, f.id))
"""


async def posted_by(conn: Conn, identities: Sequence[Identity], poster: str) -> set[Identity]:
    """Which of these facts stand in the ledger as posted by `poster`."""
    if not identities:
        return set()
    cursor = await conn.execute(_POSTED_BY, [*columns(identities, 2), poster])
    return {(source, id) for source, id in await cursor.fetchall()}


async def wrote_themselves(conn: Conn, identity: Identity) -> bool:
    """Whether a person said this by a link of their own: that they read what goes to an address it does not show."""
    return (await (await conn.execute(_BY_LINK, [*identity])).fetchone()) is not None


async def taken(conn: Conn, facts: Sequence[Fact], poster: str) -> set[Identity]:
    """Under which of these facts' identities the ledger has another fact, of another poster than `poster`."""
    if not facts:
        return set()
    cursor = await conn.execute(_BY_OTHERS, [*columns([fact.identity for fact in facts], 2), poster])
    known = await vault().open(conn, [read_event(event) for (event,) in await cursor.fetchall()], hidden=True)
    said = {fact.identity: fact for fact in facts}
    return {fact.identity for fact in known if not _is_left_of(fact.event, said[fact.identity].event)}


def _is_left_of(known: Event, said: Event) -> bool:
    """Whether the ledger says the same: an erasure takes something out, and what is left is the same fact still."""
    return known in (said, without(said, personal(said))) or _was_scrubbed(known, said)


def _was_scrubbed(known: Event, said: Event) -> bool:
    """An earlier version took all that describes a person out of their signups."""
    rest = {**known, "data": None} == {**said, "data": None}
    return known["type"] == "candidate.signed_up" and rest and known["data"].items() <= said["data"].items()


async def offers_by(conn: Conn, offers: Sequence[OfferKey]) -> dict[OfferKey, set[str]]:
    """Which employers extended each of these offers, under whichever id of its candidate, retracted ones aside; offers
    that nobody extended are left out."""
    found: dict[OfferKey, set[str]] = {}
    if offers:
        persons = await merging.members(conn, {(campaign, candidate) for campaign, candidate, _ in offers})
        spread = [(*each, offer) for campaign, who, offer in offers for each in persons[campaign, who]]
        cursor = await conn.execute(_OFFERS_BY, columns(spread, 3))
        by = {(campaign, who, offer): set[str]() for campaign, who, offer in spread}
        for campaign, candidate, offer, employer in await cursor.fetchall():
            by[campaign, candidate, offer].add(employer)
        for campaign, who, offer in offers:
            employers = {name for each in persons[campaign, who] for name in by[*each, offer]}
            found |= {(campaign, who, offer): employers} if employers else {}
    return found


async def openings_of(conn: Conn, openings: Sequence[OpeningKey]) -> dict[OpeningKey, set[str]]:
    """Whose each of these openings was said to be, also by facts that wait, retracted ones aside; openings that nobody
    set are left out."""
    found: dict[OpeningKey, set[str]] = {}
    if openings:
        cursor = await conn.execute(_OPENINGS_OF, columns(openings, 2))
        for campaign, opening, employer in await cursor.fetchall():
            found.setdefault((campaign, opening), set()).add(employer)
    return found
