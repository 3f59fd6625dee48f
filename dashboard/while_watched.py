"""What is read for all who look at it, while somebody does: one task for each thing that is looked at."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final, Generic, TypeVar

from dashboard.live import Hub, say_if_broken
from dashboard.telling import Subscription

WatchedKey = TypeVar("WatchedKey")


@dataclass(slots=True)
class Onlookers:
    """Who looks at one thing, each with what their page has `shown` of it; `asked` where one may lack the latest."""

    shown: dict[Subscription, str] = field(default_factory=dict)
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    task: asyncio.Task[None] | None = None


class WhileWatched(Generic[WatchedKey]):
    """A task (`follow`) for each thing, from when the first looks at it until the last has gone."""

    def __init__(self, follow: Callable[[WatchedKey, Onlookers], Coroutine[Any, Any, None]]) -> None:
        self._follow = follow
        self._watches: Final[dict[WatchedKey, Onlookers]] = {}

    @contextmanager
    def watched(self, key: WatchedKey, subscription: Subscription, shown: str = "") -> Iterator[None]:
        """The subscription looks at it until the block ends."""
        onlookers = self._watches.setdefault(key, Onlookers())
        onlookers.shown[subscription] = shown
        onlookers.asked.set()
        if onlookers.task is None:
            onlookers.task = asyncio.create_task(self._follow(key, onlookers))
            onlookers.task.add_done_callback(say_if_broken)
        try:
            yield
        finally:
            del onlookers.shown[subscription]
            if not onlookers.shown:
                onlookers.task.cancel()
                del self._watches[key]


@contextmanager
def ringing(hub: Hub, campaign: str, asked: asyncio.Event) -> Iterator[None]:
    """Set this at each change of a campaign, until the block ends."""
    changes = hub.follow(campaign, hub.mark)
    ring = asyncio.create_task(_ring_at(changes, asked))
    try:
        yield
    finally:
        ring.cancel()
        hub.unsubscribe(changes)


async def _ring_at(changes: Subscription, asked: asyncio.Event) -> None:
    while not changes.closed:
        await changes.take()
        asked.set()
