"""The streams of walls end when these are revoked, and only then."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from contextlib import ExitStack

from dashboard.telling import StreamAudience, Subscription
from dashboard.walls.watch import Watch


async def test_a_wall_that_is_opened_while_others_are_looked_for_stays():
    old, new = Subscription(StreamAudience()), Subscription(StreamAudience())
    with ExitStack() as open_ones:
        looked = 0

        async def living(some: Collection[str]) -> set[str]:
            nonlocal looked
            if not looked:
                open_ones.enter_context(watch.watched("new", new))
            looked += 1
            return set(some)

        watch = Watch(living, every=0.01)
        open_ones.enter_context(watch.watched("old", old))
        async with asyncio.timeout(60):
            while looked < 3:
                await asyncio.sleep(0.01)
        assert (old.closed, new.closed) == (False, False)
