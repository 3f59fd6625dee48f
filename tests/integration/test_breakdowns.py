"""Breakdowns on a real Postgres: moved with the facts, counted from the journeys where there were none."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

from storage.campaigns import breakdowns, openings
from storage.database import Conn, connect
from streams.audit import audit
from streams.breakdowns import BreakdownCounter
from streams.persisting import Persistence
from tests.facts import CAMPAIGN, event, hired, opened, signed_up, target
from tests.integration.streaming import apply

NOW = datetime(2026, 4, 1, tzinfo=UTC)


async def counted(database_url: str) -> None:
    """What a worker does beside its work."""
    write = Persistence(database_url, name="worker", jitter=lambda: 1.0)
    await BreakdownCounter(database_url, write).look()
    await write.close()


async def drift(database_url: str) -> list[str]:
    async with await connect(database_url, name="audit") as conn:
        return (await audit(conn)).differences


def people() -> list[dict[str, object]]:
    return [
        opened(),
        target("t", goal=4),
        *[signed_up(f"c{n}", school=f"School {n % 2}", education="master", fair="f1") for n in range(6)],
        event("candidate.checked_in", candidate="c1", fair="f1"),
        hired("c2"),
    ]


async def test_what_a_version_without_breakdowns_left_is_counted(conn: Conn, database_url: str):
    await apply(conn, *people(), *[hired("x", campaign=f"other{n}", id=f"x{n}") for n in range(3)])
    before = await (await conn.execute("SELECT * FROM breakdowns ORDER BY 1, 2, 3, 4")).fetchall()
    await conn.execute("TRUNCATE breakdowns")
    await conn.execute("INSERT INTO breakdown_counts VALUES ('', now()), ('', now() + interval '1 hour')")
    assert await breakdowns.is_due(conn, CAMPAIGN)
    assert await drift(database_url) == []  # not whole, so not compared
    await counted(database_url)
    assert await (await conn.execute("SELECT * FROM breakdowns ORDER BY 1, 2, 3, 4")).fetchall() == before
    assert not await breakdowns.is_due(conn, CAMPAIGN)
    assert await (await conn.execute("SELECT campaign FROM breakdown_counts")).fetchall() == [("",)]


async def test_it_is_counted_once_more_when_versions_without_them_have_ended(conn: Conn, database_url: str):
    await apply(conn, *people())
    await conn.execute("UPDATE breakdowns SET number = number + 7")  # as if another had written beside
    await conn.execute("INSERT INTO breakdown_counts VALUES ('', now() - interval '1 minute')")
    await counted(database_url)
    assert await drift(database_url) == []


async def test_facts_that_come_while_it_is_counted_count_once(conn: Conn, database_url: str):
    await apply(conn, *people())
    await conn.execute("INSERT INTO breakdown_counts VALUES (%s, now())", [CAMPAIGN])
    counting = asyncio.create_task(counted(database_url))
    for n in range(30):
        await apply(conn, signed_up(f"m{n}", school="School 1"), hired(f"c{n % 6}", id=f"h{n}"))
    await counting
    assert await drift(database_url) == []


async def test_the_funnel_is_the_sum_from_each_milestone_on(conn: Conn, database_url: str):
    await apply(conn, *people())
    expected = {"signed_up": 6, "attended": 2, "interviewed": 1, "offered": 1, "accepted": 1, "hired": 1}
    assert await breakdowns.funnel(conn, CAMPAIGN) == expected
    await conn.execute("INSERT INTO breakdown_counts VALUES ('', now())")
    await conn.execute("TRUNCATE breakdowns")
    assert await breakdowns.funnel(conn, CAMPAIGN) == expected  # from the journeys, as long as it is not whole


async def test_values_come_by_what_became_of_them(conn: Conn):
    await apply(conn, *people(), signed_up("c9", school="School 1"))
    found = await breakdowns.by(conn, CAMPAIGN, "school", limit=10)
    assert [(row["value"], row["signed_up"], row["attended"], row["hired"]) for row in found] == [
        ("School 0", 3, 1, 1),
        ("School 1", 4, 1, 0),
    ]
    assert len(await breakdowns.by(conn, CAMPAIGN, "school", limit=1)) == 1


async def test_offers_are_resolved_when_they_are_answered_or_over(conn: Conn):
    def offer(n: int, **more: str) -> dict[str, object]:
        return event("offer.extended", candidate=f"c{n}", offer=f"o{n}", employer=f"e{n % 2}", position="p", **more)

    later = {"time": "2026-03-09T09:00:00+08:00"}
    await apply(
        conn,
        *[offer(n, expires_at="2026-03-20T00:00:00Z") for n in range(4)],
        offer(4, expires_at="2026-05-01T00:00:00Z"),
        event("offer.accepted", candidate="c0", offer="o0", **later),
        event("offer.declined", candidate="c1", offer="o1", **later),
        event("offer.rescinded", candidate="c3", offer="o3", **later),
    )
    found = {row["employer"]: row for row in await breakdowns.offers(conn, CAMPAIGN, NOW)}
    shown = ("accepted", "declined", "expired", "open", "rescinded")
    assert [found["e0"][name] for name in shown] == [1, 0, 1, 1, 0]
    assert [found["e1"][name] for name in shown] == [0, 1, 0, 0, 1]
    before = {row["employer"]: row for row in await breakdowns.offers(conn, CAMPAIGN, NOW - timedelta(days=20))}
    assert before["e0"]["expired"] == 0


async def test_an_offer_that_has_expired_holds_no_seat(conn: Conn):
    def offer(n: int, **more: str) -> dict[str, object]:
        terms = {"offer": f"o{n}", "employer": "e", "position": "p", "opening": "op"}
        return event("offer.extended", candidate=f"c{n}", **terms, **more)

    await apply(
        conn,
        event("opening.set", opening="op", employer="e", position="p", seats=9),
        offer(1, expires_at="2026-03-20T00:00:00Z"),
        offer(2, expires_at="2026-05-01T00:00:00Z"),
        offer(3),
        offer(4, expires_at="2026-03-20T00:00:00Z"),
        event("offer.accepted", candidate="c4", offer="o4", time="2026-03-19T00:00:00Z"),
    )
    for now, still_open in ((NOW, 2), (NOW - timedelta(days=20), 3)):
        [row] = await breakdowns.openings(conn, CAMPAIGN, now, of="e", limit=9)
        assert (row["taken"], row["open"]) == (1, still_open)
        assert await openings.offers_standing(conn, CAMPAIGN, "op", now) == 1 + still_open


async def test_who_accepted_is_at_risk_when_the_first_day_is_over(conn: Conn):
    await apply(
        conn,
        *[event("offer.extended", candidate=f"c{n}", offer=f"o{n}", employer="e", position="p",
                start_on=f"2026-07-0{n}") for n in (1, 2)],
        *[event("offer.accepted", candidate=f"c{n}", offer=f"o{n}", time="2026-03-09T09:00:00+08:00") for n in (1, 2)],
        hired("c3"),
    )  # fmt: skip
    assert await breakdowns.at_risk(conn, CAMPAIGN, NOW.date()) == 0
    assert await breakdowns.at_risk(conn, CAMPAIGN, NOW.date().replace(month=7, day=2)) == 1
    assert await breakdowns.at_risk(conn, CAMPAIGN, NOW.date().replace(month=8)) == 2


async def test_days_between_milestones(conn: Conn):
    await apply(
        conn,
        *[signed_up(f"c{n}", time="2026-03-01T09:00:00+08:00") for n in range(3)],
        *[event("candidate.checked_in", candidate=f"c{n}", fair="f", time=f"2026-03-0{n + 2}T09:00:00+08:00")
          for n in range(3)],
    )  # fmt: skip
    assert await breakdowns.days(conn, CAMPAIGN) == {"attended": {1: 1, 2: 1, 3: 1}}
