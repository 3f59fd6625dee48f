"""Charts are read once for all who look at them, and only while somebody does."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from typing import Any

from dashboard.charting import Charting
from dashboard.live import Hub
from dashboard.telling import StreamAudience, Subscription
from schemas.errors import DatabaseUnavailable
from tests.unit.test_live import never, row

QUICK = 0.01  # seconds


class Reader:
    """Answers with how often it was asked; fails the first `failing` times."""

    def __init__(self, failing: int = 0) -> None:
        self.asked, self._failing = 0, failing

    async def __call__(self, campaign: str) -> dict[str, Any]:
        self.asked += 1
        if self.asked <= self._failing:
            raise DatabaseUnavailable("away")
        return {"number": self.asked, "campaign": campaign}


async def told(page: Subscription) -> list[dict[str, Any]]:
    return [each.row for each in await page.take(5) if each.event == "charts"]


async def test_a_change_is_read_once_for_all_who_look():
    read, hub = Reader(), Hub(never)
    hub.tell([row("a", 1)])
    charting, pages = Charting(hub, read, every=QUICK), [Subscription(StreamAudience("c")) for _ in range(50)]
    with ExitStack() as stack:
        for page in pages:
            stack.enter_context(charting.watched("c", page))
        assert [await told(page) for page in pages] == [[{"number": 1, "campaign": "c"}]] * 50
        hub.tell([row("a", 2, 1), row("b", 3, campaign="other")])
        assert [await told(page) for page in pages] == [[{"number": 2, "campaign": "c"}]] * 50
        hub.tell([row("a", 2, 1), row("b", 4, 1, campaign="other")])
        await asyncio.sleep(QUICK * 5)
        assert read.asked == 2
    hub.tell([row("a", 5, 2)])
    await asyncio.sleep(QUICK * 5)
    assert read.asked == 2


async def test_who_comes_later_is_told_too():
    read, hub = Reader(), Hub(never)
    hub.tell([row("a", 1)])
    charting, first, second = (
        Charting(hub, read, every=QUICK),
        Subscription(StreamAudience("c")),
        Subscription(StreamAudience("c")),
    )
    with charting.watched("c", first):
        assert await told(first)
        with charting.watched("c", second):
            assert await told(second) == [{"number": 2, "campaign": "c"}]


async def test_an_outage_is_waited_for():
    hub, page = Hub(never), Subscription(StreamAudience("c"))
    hub.tell([row("a", 1)])
    with Charting(hub, Reader(failing=2), every=QUICK).watched("c", page):
        assert await told(page) == [{"number": 3, "campaign": "c"}]
