"""What the public page of a fair, or of a campaign, says, and whether people may sign up there now."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Literal
from zoneinfo import ZoneInfo

from psycopg.rows import dict_row

from storage.campaigns import employers, seat_reads
from storage.database import Conn
from storage.journeys.tags import LONGEST, tag

Row = dict[str, Any]
SignupState = Literal["open", "full", "early", "closed", "shut", "cancelled", "over"]
ADMITS: Final[frozenset[SignupState]] = frozenset({"open", "full"})
MOST_ROWS: Final = 200
MOST_NAMED: Final = 5000

_CAMPAIGN: Final = "SELECT * FROM campaigns WHERE campaign = %s"
_FAIR: Final = "SELECT * FROM fairs WHERE campaign = %s AND fair = %s"
_FAIRS: Final = """
SELECT fair, title, mode, starts_at, ends_at, venue, city FROM fairs
WHERE campaign = %s AND NOT cancelled AND ends_at > %s ORDER BY starts_at, fair LIMIT %s
"""
_OPENINGS: Final = """
SELECT opening, employer, position, seats FROM openings
WHERE campaign = %s AND (%b::text[] IS NULL OR employer = ANY(%b::text[]))
ORDER BY employer, position, opening LIMIT %s
"""
_SCHOOL: Final = tag("school", "")
# What few have typed could tell of them. The latest are enough to know what many type. What is cut in a tag is passed
# over: nobody typed it so.
_SCHOOLS: Final = f"""
SELECT substr(tag, {len(_SCHOOL) + 1}) AS school FROM (
    SELECT tags FROM journeys WHERE campaign = %s ORDER BY candidate DESC LIMIT 3000
) AS latest CROSS JOIN unnest(tags) AS tag
WHERE starts_with(tag, '{_SCHOOL}') AND length(tag) < {len(_SCHOOL) + LONGEST}
GROUP BY tag HAVING count(*) >= 5 ORDER BY count(*) DESC, tag LIMIT 40
"""


@dataclass(frozen=True, slots=True)
class Signup:
    """Where people sign up: the stored rows of the campaign and of the fair (None: the campaign as a whole). `taken`
    and `waiting`: seats given, and people who wait for one. `employers`: what is said of each, by id."""

    campaign: Row
    fair: Row | None
    taken: int = 0
    waiting: int = 0
    fairs: list[Row] = field(default_factory=list)
    openings: list[Row] = field(default_factory=list)
    employers: dict[str, Row] = field(default_factory=dict)

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.campaign["timezone"])

    @property
    def left(self) -> int | None:
        """Seats left; None where they are not counted."""
        if self.fair is None or self.fair["capacity"] is None:
            return None
        return max(int(self.fair["capacity"]) - self.taken, 0)

    @property
    def checked(self) -> bool:
        """Whether each address is to be confirmed by a link."""
        return bool(self.campaign.get("signup") == "checked")

    def state(self, now: datetime) -> SignupState:
        """Whether people may sign up now, and if not, why. `shut`: the organizer has no public page for it."""
        today = now.astimezone(self.zone).date()
        if self.fair is not None and self.fair["cancelled"]:
            return "cancelled"
        if today > self.campaign["ends_on"] or (self.fair is not None and now >= self.fair["ends_at"]):
            return "over"
        if self.campaign["closed"]:
            return "closed"
        if self.campaign.get("signup") == "closed":
            return "shut"
        if today < self.campaign["starts_on"]:
            return "early"
        return "full" if self.left == 0 else "open"


async def load(conn: Conn, campaign: str, fair: str | None) -> Signup | None:
    """Where people sign up, as far as it takes to know whether they may; None where nothing is known of it."""
    row = await _row(conn, _CAMPAIGN, [campaign])
    known = await _row(conn, _FAIR, [campaign, fair]) if fair is not None else None
    if row is None or (fair is not None and known is None):
        return None
    if fair is None:
        return Signup(row, None)
    full = await seat_reads.fullness(conn, campaign, fair)
    return Signup(row, known, full.kept, full.waiting)


async def load_whole(conn: Conn, campaign: str, fair: str | None, now: datetime) -> Signup | None:
    """The same with all that the page shows: openings of those who take part, for a campaign its fairs to come."""
    found = await load(conn, campaign, fair)
    if found is None:
        return None
    among = found.fair["employers"] or None if found.fair else None
    found.openings.extend(await _rows(conn, _OPENINGS, [campaign, among, among, MOST_ROWS]))
    found.employers.update({row["employer"]: row for row in await employers.listed(conn, campaign, limit=MOST_NAMED)})
    if fair is None:
        found.fairs.extend(await _rows(conn, _FAIRS, [campaign, now, MOST_ROWS]))
    return found


async def schools(conn: Conn, campaign: str) -> list[str]:
    """Schools that many of a campaign's candidates have named, those named most first."""
    return [school for (school,) in await (await conn.execute(_SCHOOLS, [campaign])).fetchall()]


async def _row(conn: Conn, query: str, values: list[Any]) -> Row | None:
    found = await _rows(conn, query, values)
    return found[0] if found else None


async def _rows(conn: Conn, query: str, values: list[Any]) -> list[Row]:
    async with conn.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(query.encode(), values)
        return await cursor.fetchall()
