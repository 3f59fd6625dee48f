"""Links to people's own pages: which of them are worth something. Each asks for a new one, and those of before end."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Final

from storage.arrays import columns
from storage.database import Conn
from storage.journeys import merging
from storage.ledger.ledger import JourneyKey
from storage.messages import nonces
from storage.messages.of_facts import params_of
from storage.vault.process import vault

_OF: Final = """
SELECT campaign, candidate, generation FROM own_pages
JOIN unnest(%s::text[], %s::text[]) AS k(campaign, candidate) USING (campaign, candidate)
"""
_RENEW: Final = """
INSERT INTO own_pages AS o (campaign, candidate, generation) VALUES (%s, %s, 1)
ON CONFLICT (campaign, candidate) DO UPDATE SET generation = o.generation + 1, asked_at = now()
RETURNING generation
"""
_END: Final = """
INSERT INTO own_pages AS o (campaign, candidate, generation)
SELECT c, n, 1 FROM unnest(%s::text[], %s::text[]) AS k(c, n) ORDER BY c COLLATE "C", n COLLATE "C"
ON CONFLICT (campaign, candidate) DO UPDATE SET generation = o.generation + 1
"""
_FORGET: Final = """
DELETE FROM own_pages WHERE (campaign, candidate) IN (SELECT * FROM unnest(%s::text[], %s::text[]))
"""
# Persons to whom mail has gone at this address. Whether it still is theirs, their journeys say.
_MAILED_AT: Final = """
SELECT DISTINCT campaign, candidate FROM messages
WHERE (address = %(digest)b OR lower(recipient) = %(address)s) AND forgotten IS NOT TRUE AND candidate IS NOT NULL
  AND (%(campaign)s::text IS NULL OR campaign = %(campaign)s) ORDER BY campaign, candidate LIMIT 20
"""
# The mails whose tickets and answers the page leads to, the newest last.
_LINKS: Final = f"""
SELECT kind, said.params->>'fair' AS fair, said.params->>'offer' AS offer, id, dedupe_key, nonce::text
FROM messages m CROSS JOIN LATERAL (SELECT {params_of("m")} AS params OFFSET 0) AS said
WHERE campaign = %s AND candidate = ANY(%s) AND kind = ANY(%s) AND status <> 'cancelled'
  AND forgotten IS NOT TRUE ORDER BY id
"""


async def mails(conn: Conn, campaign: str, candidate: str, kinds: Collection[str]) -> list[tuple[str, str, str, str]]:
    """Kind, fair, offer and outside name of a person's messages of these kinds that stand, the newest last."""
    ids = [each for _, each in await merging.of_persons(conn, [(campaign, candidate)])]
    rows = await (await conn.execute(_LINKS, [campaign, ids, list(kinds)])).fetchall()
    names = await nonces.load(conn)
    return [(kind, fair, offer, names.of(*named)) for kind, fair, offer, *named in rows]


async def generations(conn: Conn, keys: Collection[JourneyKey]) -> dict[JourneyKey, int]:
    """How often these persons asked for a new link; those who never did are left out."""
    if not keys:
        return {}
    cursor = await conn.execute(_OF, columns(list(keys), 2))
    return {(campaign, candidate): generation for campaign, candidate, generation in await cursor.fetchall()}


async def renew(conn: Conn, campaign: str, candidate: str) -> int:
    """End all links to this person's page; those of mails to come are of this generation."""
    row = await (await conn.execute(_RENEW, [campaign, candidate])).fetchone()
    return int(row[0]) if row else 0


async def end(conn: Conn, keys: Collection[JourneyKey]) -> None:
    """End all links to these persons' pages, though none of them asked: some may have gone to somebody else."""
    if keys:
        await conn.execute(_END, columns(sorted(keys), 2))


async def mailed_at(conn: Conn, address: str, campaign: str | None = None) -> list[JourneyKey]:
    """Who had mail at this address, a few at most; in one campaign, or in any."""
    digest = (await vault().keeper(conn)).address(address)
    values = {"address": address.lower(), "digest": digest, "campaign": campaign}
    return [(c, p) for c, p in await (await conn.execute(_MAILED_AT, values)).fetchall()]


async def forget(conn: Conn, keys: Iterable[JourneyKey]) -> None:
    """Nobody had such a page."""
    await conn.execute(_FORGET, columns(list(keys), 2))
