"""What a list of candidates is narrowed by, as conditions of SQL on a journey `k` and a person `p`: what was chosen and
typed, and what an employer may see."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from schemas.fields import FUNNEL
from storage.arrays import column
from storage.database import Conn
from storage.journeys.sight import LISTED_SEEN
from storage.journeys.states import IS_PLAIN
from storage.journeys.tags import AGREED, AWAY, WAITS, at_or_beyond, exact, tag, waits_for
from storage.vault.process import vault
from storage.vault.searching import Asked

# What the rule would find out with more work of those of whom neither is so. A yes is no other word of JSON.
_NAMED_OR_AGREED: Final = f"""(k.tags && %(named)s::varchar[] OR CASE WHEN {IS_PLAIN.format("k.")}
    THEN strpos(convert_from(k.state, 'UTF8'), 'true') > 0 ELSE k.tags && %(agreed)s::varchar[] END)"""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Whom a list is about. `stage`: a step that they have reached, with `only` none beyond it; or `withdrew` or
    `erased`. `ends`: an open offer expires between these. `waits`: for a word of ours. `sees`: the employer that
    looks."""

    q: str = ""
    stage: str = ""
    only: bool = False
    fair: str = ""
    employer: str = ""
    school: str = ""
    education: str = ""
    chain: str = ""
    ends: tuple[datetime, datetime] | None = None
    waits: bool = False
    sees: str | None = None


def narrowed(wanted: Wanted) -> tuple[list[str], dict[str, Any]]:
    """Conditions on a journey `k` by what was chosen, and the values that they name."""
    kinds = ("fair", "employer", "school", "education", "chain")
    all_of = [tag(kind, value) for kind in kinds if (value := getattr(wanted, kind))]
    if wanted.waits:
        all_of.append(WAITS if wanted.sees is None else waits_for(wanted.sees))
    if wanted.stage in AWAY or (wanted.stage and wanted.only):
        all_of.append(tag("at", wanted.stage))
    conditions, given = [], {}
    if all_of:
        conditions.append(" AND k.tags @> %(all_of)s::varchar[]")
        given["all_of"] = column(all_of)
    if wanted.stage in FUNNEL and not wanted.only:
        conditions.append(" AND k.tags && %(reached)s::varchar[]")
        given["reached"] = column(at_or_beyond(wanted.stage))
    if wanted.ends:
        conditions.append(
            " AND k.offer_ends BETWEEN %(ends_from)s AND %(ends_by)s"
            if wanted.sees is None
            else " AND k.offer_ends <= %(ends_by)s"
        )
        given["ends_from"], given["ends_by"] = wanted.ends
    return conditions, given


async def seen(conn: Conn, campaign: str, employer: str, given: dict[str, Any]) -> list[str]:
    """The rule of whom an employer sees, behind what an index finds: all whom it sees have one of these tags. The
    values that they name are put into `given`."""
    fairs = "SELECT fair FROM fairs WHERE campaign = %s AND employers ? %s"
    its_own = [tag("fair", fair) for (fair,) in await (await conn.execute(fairs, [campaign, employer])).fetchall()]
    given["sees"] = given["employer"] = employer
    given["named"] = column(named := [tag("employer", employer), tag("of", employer)])
    given["agreed"] = column([AGREED, exact(AGREED, employer)])
    given["perhaps"] = column([*named, *its_own])
    return [
        " AND k.tags && %(perhaps)s::varchar[]",
        f" AND {_NAMED_OR_AGREED} AND " + LISTED_SEEN.format(campaign="%(campaign)s", candidate="k.candidate"),
    ]


async def by_person(conn: Conn, campaign: str, wanted: Asked, given: dict[str, Any]) -> list[str]:
    """Conditions on a person `p` of whom somebody typed this. The values that they name are put into `given`."""
    given["id"] = f"{_escaped(wanted.text)}%"
    if found := await vault().drawing.asked(conn, campaign, wanted.text):
        given["hash"] = found[1]
        return [f" AND p.{found[0]} = %(hash)s"]
    if not wanted.chinese and not wanted.words:
        given["text"] = wanted.text.casefold()
        return [" AND strpos(lower(p.name), %(text)s) > 0"]
    conditions = []
    if wanted.sought:
        conditions.append(" AND p.sought @> %(sought)s::varchar[]")
        given["sought"] = column(wanted.sought)
    for nth, word in enumerate(wanted.chinese):
        conditions.append(f" AND strpos(translate(p.name, ' ·', ''), %(chinese{nth})s) > 0")
        given[f"chinese{nth}"] = word
    for nth, (word, pattern) in enumerate(zip(wanted.words, wanted.beginnings, strict=True)):
        conditions.append(f" AND (p.pinyin ~ %(read{nth})s OR strpos(p.initials, %(word{nth})s) > 0)")
        given[f"read{nth}"], given[f"word{nth}"] = pattern, word
    return conditions


def _escaped(words: str) -> str:
    return words.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
