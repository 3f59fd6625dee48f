"""Whom an employer sees: one rule, for whatever is read or posted about a candidate.

A candidate is seen by an employer when (a) they signed up for or checked in at a fair in which it takes part, and
their latest word of consent says yes to it; or (b) a fact of the organizer's names the two together; or (c) the
candidate's id begins with the employer's own and a colon. What employers post themselves opens nothing. Nobody sees
who is restricted. Who was merged with others is seen under every id by whoever sees one of them.
"""

from __future__ import annotations

from collections.abc import Collection

from storage.arrays import column
from storage.database import Conn
from storage.journeys.matching import exact_tag
from storage.journeys.states import IS_PLAIN
from storage.journeys.tags import AGREED, REFUSED
from storage.ledger.ledger import JourneyKey
from storage.vault.restricting import SHOWN

# Of {campaign} and {candidate}, for %(employer)s. A fact that came by no key is the organizer's: straight over Kafka,
# or from a person's own link. Whom nobody agreed to show is passed over before the journey is read as JSON, which is
# most of the work.
_ITS_FAIRS = """
ARRAY(SELECT t.fair::text FROM fairs t WHERE t.campaign = {campaign} AND t.employers ? %(employer)s)"""
_PLAIN = """EXISTS (
    SELECT FROM (
        SELECT convert_from(j.state, 'UTF8')::jsonb AS s
        WHERE strpos(convert_from(j.state, 'UTF8'), 'true') > 0 OFFSET 0
    ) AS told
    CROSS JOIN LATERAL (
        SELECT w FROM unnest(ARRAY[s->'attributes'->'consent', s->'attributes'->('consent/' || %(employer)s)]) AS u(w)
        WHERE w IS NOT NULL
        ORDER BY s ? 'members' AND w->'value' = 'true' AND NOT starts_with(w->'at'->>1 || '/', '/me/'),
                 (w->'at'->>0)::bigint DESC, w->'at'->>1 DESC, w->'at'->>2 DESC LIMIT 1
    ) AS word
    WHERE word.w->'value' = 'true' AND (s->'fairs' ?| {its_fairs} OR s->'checkins' ?| {its_fairs}))"""
# A journey that is packed has tags that say the same (see storage/journeys/tags.py).
_TAGGED = f"""(
    (j.tags @> ARRAY[({exact_tag(AGREED, "%(employer)s::text")})::varchar]
     OR j.tags @> ARRAY['{AGREED}'::varchar]
        AND NOT j.tags @> ARRAY[({exact_tag(REFUSED, "%(employer)s::text")})::varchar])
    AND j.tags && ARRAY(SELECT ({exact_tag("fair", "t.fair")})::varchar FROM fairs t
                        WHERE t.campaign = {{campaign}} AND t.employers ? %(employer)s))"""
_RULE = """(
starts_with({candidate}, %(employer)s || ':')
OR EXISTS (
    SELECT FROM facts f
    WHERE f.campaign = {campaign} AND f.candidate = {candidate} AND f.event->'data'->>'employer' = %(employer)s
      AND (f.posted_by IS NULL OR f.posted_by NOT IN (
            SELECT 'key:' || key FROM keys WHERE role = 'employer'
            UNION ALL SELECT 'account:' || account FROM accounts WHERE role = 'employer'))
      AND NOT EXISTS (SELECT FROM retractions r WHERE (r.campaign, r.source, r.id) = (f.campaign, f.source, f.id)))
OR EXISTS (
    SELECT FROM journeys j
    WHERE j.campaign = {campaign} AND j.candidate = {candidate} AND {its_fairs} <> '{{}}'
      AND CASE WHEN {is_plain} THEN {plain} ELSE {tagged} END))
""".replace("{is_plain}", IS_PLAIN.format("j."))
_RULE = _RULE.replace("{plain}", _PLAIN).replace("{tagged}", _TAGGED).replace("{its_fairs}", _ITS_FAIRS)
# One who has several ids is seen by who may see one of them. Consent is the person's: see schemas.journey.consent_rank.
_BY_ANOTHER_ID = f"""EXISTS (
    SELECT FROM journeys me CROSS JOIN LATERAL (SELECT coalesce(me.merged_into, me.candidate) AS id) AS head
    JOIN journeys also ON also.campaign = me.campaign AND (also.candidate = head.id OR also.merged_into = head.id)
        AND also.candidate <> me.candidate
    WHERE me.campaign = {{campaign}} AND me.candidate = {{candidate}}
      AND {_RULE.replace("{candidate}", "also.candidate")})"""
SEEN = f"{SHOWN} AND ({_RULE} OR {_BY_ANOTHER_ID})"
# The same of those who carry the journeys of their persons, as all do who are on lists.
_BY_A_MEMBER = f"""EXISTS (
    SELECT FROM journeys also WHERE also.campaign = {{campaign}} AND also.merged_into = {{candidate}}
      AND {_RULE.replace("{candidate}", "also.candidate")})"""
LISTED_SEEN = f"{SHOWN} AND ({_RULE} OR {_BY_A_MEMBER})"
_VISIBLE = f"""
SELECT k.campaign, k.candidate FROM unnest(%(campaigns)b::text[], %(candidates)b::text[]) AS k(campaign, candidate)
WHERE {SEEN.format(campaign="k.campaign", candidate="k.candidate")}
"""
_IDS = f"""
SELECT k.candidate FROM unnest(%(candidates)s::text[]) AS k(candidate)
WHERE {_RULE.format(campaign="%(campaign)s", candidate="k.candidate")}
   OR EXISTS (SELECT FROM facts f WHERE f.campaign = %(campaign)s AND f.candidate = k.candidate
              AND f.event->'data'->>'employer' = %(employer)s)
"""


async def ids(conn: Conn, employer: str, campaign: str, candidates: Collection[str]) -> list[str]:
    """Which ids of a person whom it sees an employer knows: those by which it would see them alone, and those about
    which it said something."""
    values = {"employer": employer, "campaign": campaign, "candidates": column(sorted(candidates))}
    return [candidate for (candidate,) in await (await conn.execute(_IDS, values)).fetchall()]


async def seen(conn: Conn, wanted: Collection[tuple[str, str, str]]) -> set[tuple[str, str, str]]:
    """Which of these (campaign, employer, candidate) are so that the employer sees the candidate."""
    found: set[tuple[str, str, str]] = set()
    for name in sorted({employer for _, employer, _ in wanted}):
        keys = {(campaign, candidate) for campaign, employer, candidate in wanted if employer == name}
        found |= {(campaign, name, candidate) for campaign, candidate in await visible(conn, name, keys)}
    return found


async def visible(conn: Conn, employer: str, keys: Collection[JourneyKey]) -> set[JourneyKey]:
    """Which of these (campaign, candidate) the employer sees. Those of whom nothing is known are not among them,
    save where their id says that they are its own."""
    if not keys:
        return set()
    values = {"employer": employer, "campaigns": [c for c, _ in keys], "candidates": [p for _, p in keys]}
    cursor = await conn.execute(_VISIBLE, values)
    return {(campaign, candidate) for campaign, candidate in await cursor.fetchall()}
