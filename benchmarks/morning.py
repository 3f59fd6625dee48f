"""A campaign's page at a million candidates: how soon what leadership looks at is read, and how long the breakdowns of
a database of before take to be counted. And an employer's part of it."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final

from benchmarks.running import database, home
from dashboard.campaign.employer_part import read_own
from dashboard.campaign.reading import DIMENSIONS, read_charts
from schemas.access import Caller
from storage.campaigns import breakdowns, reads
from storage.database import Conn, connect
from streams.apply import apply_batch
from streams.breakdowns import BreakdownCounter
from streams.intake import Incoming
from streams.persisting import Persistence
from tests.facts import CAMPAIGN, event, opened, target
from yinfeng.web.explaining import EXPLAINING

JOURNEYS: Final = 1_000_000
SCHOOLS: Final = 3_000
EMPLOYERS: Final = 500
FAIRS: Final = 300
TRIES: Final = 30
# As the fold writes them. One in n of those at a milestone comes to the next; each offer is answered by half.
_FILL: Final = """
INSERT INTO journeys (campaign, candidate, version, state, standing, employers, drawn)
SELECT '{campaign}', 'p' || n, 1, convert_to(json_build_object(
    'attributes', json_build_object(
        'school', json_build_object('at', w, 'value', 'School ' || n % {schools}),
        'chain', json_build_object('at', w, 'value', 'Chain ' || n % 40),
        'education', json_build_object('at', w, 'value', (array['doctor', 'master', 'bachelor'])[1 + n % 3])),
    'first_signup', at, 'last_signup', w, 'withdrew', null, 'fairs', json_build_object('f' || n % {fairs}, at),
    'checkins', CASE WHEN n % 2 = 0 THEN json_build_object('f' || n % {fairs}, at + 86400000000 * (n % 30))
                ELSE '{{}}' END,
    'interviews', CASE WHEN n % 4 = 0 THEN json_build_object('e' || n % {employers},
                  json_build_object('first', at + 86400000000 * (n % 50), 'outcome', null)) ELSE '{{}}' END,
    'offers', CASE WHEN n % 8 = 0 THEN json_build_object('o' || n, json_build_object(
        'status', json_build_object('at', w, 'value', CASE WHEN n % 16 = 0 THEN 'accepted' ELSE 'extended' END),
        'terms', json_build_object('at', w, 'employer', 'e' || n % {employers}, 'position', 'P', 'opening', null,
                                   'expires_at', '2026-07-01T00:00:00Z', 'city', 'City ' || n % 200))) ELSE '{{}}' END,
    'hires', CASE WHEN n % 32 = 0 THEN json_build_object('e' || n % {employers}, json_build_object('status',
        json_build_object('at', w, 'value', 'started'), 'started_on', null, 'position', null)) ELSE '{{}}' END,
    'benefits', '{{}}'::json, 'payments', '{{}}'::json, 'erased', false)::text, 'UTF8'),
    jsonb_build_object('signed_up', at), CASE WHEN n % 4 = 0 THEN ARRAY['e' || n % {employers}] ELSE '{{}}' END, 1
FROM (SELECT n, at, json_build_array(at, '/bench', 's' || n) AS w FROM
      (SELECT n, 1772000000000000 + n * 1000000::bigint AS at FROM generate_series(1, {count}) AS n) AS numbers) AS p
"""


def measure() -> Iterator[tuple[str, str, str]]:
    with home() as at, database(at) as url:
        yield from asyncio.run(_measure(url))


async def _measure(url: str) -> list[tuple[str, str, str]]:
    async with await connect(url, name="bench") as conn:
        await _fill(conn)
        began = time.perf_counter()
        write = Persistence(url, name="worker", jitter=lambda: 1.0)
        await conn.execute("INSERT INTO breakdown_counts VALUES ('', now())")
        await BreakdownCounter(url, write).look()
        await write.close()
        counting = time.perf_counter() - began
        await conn.execute("VACUUM ANALYZE")
        about = await reads.campaign(conn, CAMPAIGN)
        row = await (await conn.execute("SELECT count(*) FROM breakdowns")).fetchone()
        assert about
        assert row
        now = datetime(2026, 8, 1, tzinfo=UTC)
        found = [
            (f"{JOURNEYS:,} journeys of before counted, {row[0]:,} cells", f"{counting:.0f} s", ""),
            await _timed("  the campaign's page, all that it reads", lambda: read_charts(conn, about, now)),
            await _timed("  an employer's part of it", lambda: _own(conn, about, now)),
        ]
        for each in DIMENSIONS:
            by = await _timed(f"  by {each}, 500", partial(breakdowns.by, conn, CAMPAIGN, each, limit=500))
            found += [by]
        return found


async def _own(conn: Conn, about: dict[str, Any], now: datetime) -> dict[str, Any]:
    caller = Caller("bench", "bench", "employer", "e4")
    return await read_own(conn, caller, about, "e4", now, after="", explaining=EXPLAINING)


async def _timed(name: str, read: Callable[[], Awaitable[Any]]) -> tuple[str, str, str]:
    took = []
    for _ in range(TRIES):
        began = time.perf_counter()
        await read()
        took.append((time.perf_counter() - began) * 1000)
    took.sort()
    return name, f"p50 {took[TRIES // 2]:.0f} ms, longest {took[-1]:.0f} ms", "100 ms"


async def _fill(conn: Conn) -> None:
    fairs = [
        event("fair.scheduled", fair=f"f{n}", title=f"Fair {n}", mode="onsite", cost=1000 * n,
              starts_at="2026-04-01T09:00:00+08:00", ends_at="2026-04-01T17:00:00+08:00")
        for n in range(FAIRS)
    ]  # fmt: skip
    events = [opened(), *[target(f"t{n}", goal=100_000 * (n + 1)) for n in range(8)], *fairs]
    batch = [Incoming("t", 0, n, None, _json(each), ()) for n, each in enumerate(events)]
    await apply_batch(conn, batch, now=datetime.now(UTC))
    given = {"campaign": CAMPAIGN, "count": JOURNEYS, "schools": SCHOOLS, "employers": EMPLOYERS, "fairs": FAIRS}
    await conn.execute(_FILL.format(**given).encode())
    await conn.execute(b"VACUUM ANALYZE journeys")


def _json(each: dict[str, Any]) -> bytes:
    return json.dumps(each).encode()
