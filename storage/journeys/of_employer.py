"""An employer's own: whom it interviewed, made an offer or hired, and whom it signed up itself, as far as it may see
them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, Final

from schemas.journey import Journey
from storage.database import Conn
from storage.journeys.sight import SEEN
from storage.journeys.states import read, standing, standing_of, stands
from storage.journeys.tags import tag

# Two ways to find them, by tags, which are cut where an id is long. Those found are put in order before the rule is
# asked, which looks at facts: it is asked of as many as are shown.
_THEIRS: Final = "tags @> ARRAY[%(theirs)s::varchar] AND employers @> ARRAY[%(employer)s::varchar]"
_ITS_OWN: Final = """(starts_with(candidate, %(employer)s || ':') OR EXISTS (
    SELECT FROM journeys m WHERE m.campaign = journeys.campaign AND m.merged_into = journeys.candidate
      AND starts_with(m.candidate, %(employer)s || ':')))"""
_SIGNED_UP: Final = f"tags @> ARRAY[%(own)s::varchar] AND {_ITS_OWN}"
_OWN: Final = f"""
SELECT candidate, state, {standing_of("journeys")} FROM journeys WHERE campaign = %(campaign)s AND candidate > %(after)s
"""
_SEEN: Final = SEEN.format(campaign="%(campaign)s", candidate="k.candidate")
_ACCEPTED: Final = f"AND {stands('accepted', '')} AND NOT {stands('hired', '')}"
_ALL: Final = """
SELECT candidate, state FROM journeys
WHERE campaign = %(campaign)s AND candidate > %(after)s AND tags @> ARRAY[%(theirs)s::varchar]
  AND employers @> ARRAY[%(employer)s::varchar]
ORDER BY candidate LIMIT %(limit)s
"""
_SPOKEN: Final = """
SELECT EXISTS (SELECT FROM employers WHERE campaign = %(campaign)s AND employer = %(employer)s)
    OR EXISTS (SELECT FROM openings WHERE campaign = %(campaign)s AND employer = %(employer)s)
    OR EXISTS (SELECT FROM fairs WHERE campaign = %(campaign)s AND employers ? %(employer)s)
    OR EXISTS (SELECT FROM breakdowns WHERE campaign = %(campaign)s AND dimension = 'employer'
               AND value = %(employer)s AND number <> 0)
"""
_FAIRS: Final = """
SELECT fair FROM fairs WHERE campaign = %s AND employers ? %s AND NOT cancelled
ORDER BY starts_at, fair LIMIT 200
"""


def _query(more: str = "") -> str:
    """Those whom an employer may see of its own, of whom something `more` holds."""
    return f"""
WITH own AS MATERIALIZED ({_OWN} AND {_THEIRS} {more} UNION {_OWN} AND {_SIGNED_UP} {more})
SELECT candidate, state, standing FROM (SELECT * FROM own ORDER BY candidate OFFSET 0) AS k WHERE {_SEEN}
ORDER BY candidate LIMIT %(limit)s
"""


_LISTED: Final = _query()
_NOT_STARTED: Final = _query(_ACCEPTED)
PORTION: Final = 500  # journeys: others are served between two portions


async def listed(
    conn: Conn, campaign: str, employer: str, *, after: str = "", limit: int
) -> list[tuple[str, Journey, dict[str, int]]]:
    """An employer's candidates by id: candidate, journey and milestones."""
    given = _given(campaign, employer, after, limit)
    return await _listed(conn, _LISTED, given)


async def not_started(conn: Conn, campaign: str, employer: str, *, limit: int) -> list[tuple[str, Journey]]:
    """Those who accepted an offer of this employer's, and have started nowhere; who left it again, or never came,
    was reported already."""
    given = _given(campaign, employer, "", PORTION)
    found: list[tuple[str, Journey]] = []
    while len(found) < limit and (portion := await _listed(conn, _NOT_STARTED, given)):
        found += [(candidate, journey) for candidate, journey, _ in portion if _is_to_start(journey, employer)]
        given["after"] = portion[-1][0]
    return found[:limit]


async def journeys(conn: Conn, campaign: str, employer: str) -> AsyncIterator[Journey]:
    """Of all with whom an employer has to do, whether it may see them or not: for sums alone."""
    given = _given(campaign, employer, "", PORTION)
    while portion := await (await conn.execute(_ALL, given)).fetchall():
        for _, state in portion:
            yield read(state)
        given["after"] = portion[-1][0]


async def some(conn: Conn, campaign: str, employer: str, *, limit: int) -> list[Journey]:
    """The first so many of them."""
    found = []
    async for journey in journeys(conn, campaign, employer):
        found.append(journey)
        if len(found) == limit:
            break
    return found


async def visible(conn: Conn, campaign: str, employer: str) -> bool:
    """Whether a campaign speaks of this employer at all: in its own facts, or in those of a candidate."""
    row = await (await conn.execute(_SPOKEN, {"campaign": campaign, "employer": employer})).fetchone()
    return row is not None and bool(row[0])


async def fairs(conn: Conn, campaign: str, employer: str) -> list[str]:
    """The ids of the fairs in which an employer takes part, in order of time."""
    return [fair for (fair,) in await (await conn.execute(_FAIRS, [campaign, employer])).fetchall()]


def _given(campaign: str, employer: str, after: str, limit: int) -> dict[str, Any]:
    tags = {"theirs": tag("employer", employer), "own": tag("of", employer)}
    return {"campaign": campaign, "employer": employer, "after": after, "limit": limit, **tags}


async def _listed(conn: Conn, query: str, given: dict[str, Any]) -> list[tuple[str, Journey, dict[str, int]]]:
    cursor = await conn.execute(query.encode(), given)
    return [(candidate, read(state), standing(kept)) for candidate, state, kept in await cursor.fetchall()]


def _is_to_start(journey: Journey, employer: str) -> bool:
    """Whether an offer of this employer's is accepted, and it has not said of them that they came or left."""
    return employer not in journey.hires and any(
        offer.status.value == "accepted" and offer.terms is not None and offer.terms.employer == employer
        for offer in journey.offers.values()
    )
