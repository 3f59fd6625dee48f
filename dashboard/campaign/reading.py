"""What a campaign's page shows beside its lists, read anew for all who look at it (see dashboard/charting.py)."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any, Final

from dashboard.campaign.numbers import acceptance, cost_of_a_hire, pace_of, steps
from dashboard.charts import HEIGHT, WIDTH, chart_of
from dashboard.languages import LANGS
from dashboard.naming import Names
from dashboard.pace import day_in, stood
from schemas.access import Caller
from storage.campaigns import breakdowns, naming, reads
from storage.database import Conn

Row = dict[str, Any]

DIMENSIONS: Final = ("employer", "school", "education", "chain", "city")
SHOWN: Final = 6  # values of each, and fairs
NONE: Final[Row] = {"targets": [], "charts": {}, "paces": {}, "morning": None, "box": (WIDTH, HEIGHT)}


async def read_charts(conn: Conn, about: Row, now: datetime, *, whole: bool = True) -> Row:
    """Of a campaign (a row of `reads.campaign`): `targets`, `charts` and `paces` by target, `box` (of the charts),
    `today` (there), and `morning` (None unless `whole`)."""
    name, today = about["campaign"], day_in(about["timezone"], now)
    targets = (await reads.targets_of(conn, [name]))[name]
    days = await reads.days(conn, name, [row["target"] for row in targets])
    starts_on = about["starts_on"]
    return {
        "targets": targets,
        "charts": {row["target"]: chart_of(row, days[row["target"]], starts_on, today) for row in targets},
        "paces": {row["target"]: pace_of(row, days[row["target"]], starts_on, today) for row in targets},
        "morning": await _morning(conn, about, now) if whole else None,
        "box": (WIDTH, HEIGHT),
        "today": today,
    }


async def with_targets(conn: Conn, caller: Caller, campaigns: list[Row], now: datetime) -> list[Row]:
    """Campaigns, each with the targets that the caller reads."""
    found = await reads.targets_of(conn, [row["campaign"] for row in campaigns])
    return [
        row | {"targets": stood([each for each in found[row["campaign"]] if caller.reads_target(each)], row, now)}
        for row in campaigns
    ]


async def _morning(conn: Conn, about: Row, now: datetime) -> Row:
    """The funnel, what became of offers, who accepted and who is at risk; the first of each breakdown, and of the
    fairs. `called`: by language, what the employers among them are called."""
    name = about["campaign"]
    funnel = await breakdowns.funnel(conn, name)
    found = {each: await breakdowns.by(conn, name, each, limit=SHOWN + 1) for each in DIMENSIONS}
    offers = await breakdowns.offers(conn, name, now)
    return {
        "campaign": name,
        "funnel": steps(funnel, await breakdowns.days(conn, name)),
        "accepted": funnel["accepted"] - funnel["hired"],
        "started": funnel["hired"],
        "at_risk": await breakdowns.at_risk(conn, name, day_in(about["timezone"], now)),
        "offers": acceptance(offers),
        "by": {each: rows[:SHOWN] for each, rows in found.items()},
        "more": {each for each, rows in found.items() if len(rows) > SHOWN},
        "fairs": ranked(about, await breakdowns.fairs(conn, name, limit=SHOWN)),
        "counting": await breakdowns.is_due(conn, name),
        "called": await called(conn, about, [row["value"] for row in found["employer"]]),
    }


def ranked(about: Row, fairs: list[Row]) -> list[Row]:
    """A campaign's fairs, each with its day there and with what a hire cost."""
    zone = about["timezone"]
    return [fair | {"day": day_in(zone, fair["starts_at"]), "cost_of_a_hire": cost_of_a_hire(fair)} for fair in fairs]


async def called(conn: Conn, about: Row, employers: list[str], fairs: Collection[str] = ()) -> dict[str, Names]:
    """By language, the names of these employers and fairs."""
    known = await naming.known(conn, about["campaign"], employers=employers, fairs=fairs)
    return {lang: Names(lang, about["timezone"], known) for lang in LANGS}
