"""What a target would count now, before it is set: read from the breakdowns where they tell it, else by the rules that
count, person by person; of many people, from some of them."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from schemas.counted import Definition, Explaining
from storage.campaigns import breakdowns, reads
from storage.database import Conn
from storage.journeys import candidates, of_employer

LOOKED_AT: Final = 5_000  # people
TOGETHER: Final = 500  # of them
_SAID: Final = ("education", "school", "chain")  # of a person once, so that the sum of two values counts nobody twice
_OFTEN: Final = ("fair", "employer")


@dataclass(frozen=True, slots=True)
class Preview:
    """`estimated`: drawn from some of many people."""

    number: int | float
    estimated: bool = False


async def would_count(conn: Conn, explaining: Explaining, target: dict[str, Any], now: datetime) -> Preview:
    """`target`: the data of a `target.set`."""
    where, campaign, measure = target.get("where", {}), target["campaign"], target["measure"]
    if measure == "fairs_held":
        return Preview(await reads.fairs_held(conn, campaign, where.get("employer"), where.get("fair"), now))
    if measure != "paid" and _are_told(where) and not await breakdowns.is_due(conn, campaign):
        return Preview(await _by_cells(conn, campaign, measure, where))
    return await _by_people(conn, explaining, {**target, "where": where})


def _are_told(where: dict[str, list[Any]]) -> bool:
    """Whether the breakdowns tell how many fulfil these conditions: one, and of what is broken down. Somebody stands in
    one cell by education, and in one of each employer and fair."""
    if len(where) > 1:
        return False
    return all(name in _SAID or (name in _OFTEN and len(set(values)) == 1) for name, values in where.items())


async def _by_cells(conn: Conn, campaign: str, measure: str, where: dict[str, list[Any]]) -> int:
    if not where:
        return (await breakdowns.funnel(conn, campaign))[measure]
    [(dimension, values)] = where.items()
    rows = [await breakdowns.of_one(conn, campaign, dimension, value) for value in sorted(set(map(str, values)))]
    return sum(row[measure] for row in rows)


async def _by_people(conn: Conn, explaining: Explaining, target: Definition) -> Preview:
    campaign, employers = target["campaign"], sorted(set(target["where"].get("employer", ())))
    if len(employers) != 1:
        people = await candidates.some(conn, campaign, limit=LOOKED_AT + 1)
        all_of_them = (await breakdowns.funnel(conn, campaign))["signed_up"]
    else:
        [employer] = employers
        people = await of_employer.some(conn, campaign, employer, limit=LOOKED_AT + 1)
        all_of_them = (await breakdowns.of_one(conn, campaign, "employer", employer))["interviewed"]
    number = Decimal(0)
    for start in range(0, len(people), TOGETHER):
        number += sum((explaining.journey(target, each) for each in people[start : start + TOGETHER]), Decimal(0))
        await asyncio.sleep(0)  # others are served
    if len(people) <= LOOKED_AT:
        return Preview(reads.plain(number))
    return Preview(round(float(number) * max(all_of_them, len(people)) / len(people)), estimated=True)
