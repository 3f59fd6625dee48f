"""What is known of the things whose ids facts have: employers, fairs and openings, for readers who want names."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from psycopg.rows import dict_row

from schemas.names import called
from storage.database import Conn

Row = dict[str, Any]

_EMPLOYERS: Final = "SELECT employer, name, name_en FROM employers WHERE campaign = %s AND employer = ANY(%s)"
_FAIRS: Final = """
SELECT fair, title, starts_at, EXISTS (
    SELECT FROM fairs o WHERE o.campaign = f.campaign AND o.title = f.title AND o.fair <> f.fair
) AS shares_title
FROM fairs f WHERE campaign = %s AND fair = ANY(%s)
"""
_ALL_FAIRS: Final = """
SELECT fair, title, starts_at, count(*) OVER (PARTITION BY title) > 1 AS shares_title
FROM fairs WHERE campaign = %s ORDER BY starts_at, fair LIMIT %s
"""
_OPENINGS: Final = "SELECT opening, employer, position FROM openings WHERE campaign = %s AND opening = ANY(%s)"


@dataclass(frozen=True, slots=True)
class KnownNames:
    """Rows by id, of those that are known. Of a fair: `shares_title`, whether another of the campaign has the same."""

    employers: dict[str, Row] = field(default_factory=dict)
    fairs: dict[str, Row] = field(default_factory=dict)
    openings: dict[str, Row] = field(default_factory=dict)


async def known(
    conn: Conn,
    campaign: str,
    *,
    employers: Collection[str] = (),
    fairs: Collection[str] = (),
    openings: Collection[str] = (),
) -> KnownNames:
    """What these ids of a campaign stand for."""
    opened = await _by(conn, "opening", _OPENINGS, campaign, openings)
    theirs = {row["employer"] for row in opened.values()}
    named = await _by(conn, "employer", _EMPLOYERS, campaign, theirs.union(employers))
    return KnownNames(named, await _by(conn, "fair", _FAIRS, campaign, fairs), opened)


async def fairs(conn: Conn, campaign: str, *, limit: int) -> dict[str, Row]:
    """What all fairs of a campaign are called, in order of time."""
    async with conn.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(_ALL_FAIRS, [campaign, limit])
        return {row["fair"]: row for row in await cursor.fetchall()}


async def called_in(
    conn: Conn, campaign: str, data: Collection[Mapping[str, Any]], lang: str
) -> dict[str, dict[str, str]]:
    """What the ids in the data of facts are called in a language, by key and id: employers, fairs, openings, offers."""
    found = await known(
        conn,
        campaign,
        employers=_ids(data, "employer") | {id for each in data for id in each.get("employers", ())},
        fairs=_ids(data, "fair"),
        openings=_ids(data, "opening"),
    )
    employers = {id: called(row, lang, id) for id, row in found.employers.items()}
    offers = {each["offer"]: each for each in data if "offer" in each and "position" in each and "employer" in each}
    return {
        "employer": employers,
        "fair": {id: str(row["title"]) for id, row in found.fairs.items()},
        "offer": {
            id: f"{employers.get(each['employer'], each['employer'])} · {each['position']}"
            for id, each in offers.items()
        },
        "opening": {
            id: f"{employers.get(row['employer'], row['employer'])} · {row['position']}"
            for id, row in found.openings.items()
        },
    }


def _ids(data: Collection[Mapping[str, Any]], key: str) -> set[str]:
    return {each[key] for each in data if isinstance(each.get(key), str)}


async def _by(conn: Conn, key: str, query: str, campaign: str, ids: Collection[str]) -> dict[str, Row]:
    if not ids:
        return {}
    async with conn.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(query, [campaign, sorted(ids)])
        return {row[key]: row for row in await cursor.fetchall()}
