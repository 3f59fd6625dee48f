"""What listeners are told, and what waits for each of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Key = tuple[str, ...]  # campaign and target, and what is told besides
Row = dict[str, Any]
Event = Literal["progress", "withdrawn", "reached", "redraw", "charts"]


@dataclass(frozen=True, slots=True, eq=False)
class Told:
    """A target progressed or was withdrawn; and, for pages alone, it reached a milestone, its campaign's targets are
    to be drawn anew, its campaign's charts were. `row` is what is told of it, `target` the
    target that it is about (None for what is about none).

    A client that has seen revision n lacks what has an order above n: a revision is its own order, unless it was
    committed after higher ones; then, as for a withdrawal, the order is one above all that was told before.
    """

    event: Event
    campaign: str
    row: Row
    order: int
    revision: int | None = None
    target: Mapping[str, Any] | None = None
    _wires: dict[Form, bytes] = field(default_factory=dict, init=False, repr=False)

    def wire(self, form: Form) -> bytes:
        """The event as it goes over the line in this form; written once for all who listen."""
        if form not in self._wires:
            self._wires[form] = form(self)
        return self._wires[form]


Form = Callable[[Told], bytes]
Reads = Callable[[Mapping[str, Any]], bool]  # whether a target, by its `measure` and `where`, may be read


def reads_all(target: Mapping[str, Any]) -> bool:
    """Every target."""
    return True


class Subscription:
    """One client's news: of each target only the latest, so that a slow client holds no more than all targets once."""

    def __init__(
        self,
        campaign: str | None,
        last: int | None = None,
        *,
        among: Collection[str] | None = None,
        reads: Reads = reads_all,
    ) -> None:
        """`last` is the revision that the client has seen, `reads` says which targets it may."""
        self._campaign, self.last, self._among, self._reads = campaign, last, among, reads
        self._waiting: dict[Key, Told] = {}
        self._news = asyncio.Event()
        self.closed = False

    def close(self) -> None:
        """Nothing more will be told."""
        self.closed = True
        self._news.set()

    def wants(self, told: Told) -> bool:
        """Whether it is about what this client watches."""
        here = self._campaign in (None, told.campaign) and (self._among is None or told.campaign in self._among)
        return here and (told.target is None or self._reads(told.target))

    def put(self, key: Key, told: Told) -> None:
        """Let it wait here, in place of what waited under this key."""
        self._waiting.pop(key, None)
        self._waiting[key] = told
        self._news.set()

    async def take(self, within: float | None = None) -> list[Told]:
        """Wait for news, then take all of it, in the order in which it came. Nothing when closed meanwhile, or when
        none came within so many seconds."""
        alarm = None if within is None else asyncio.get_running_loop().call_later(within, self._news.set)
        try:
            await self._news.wait()
        finally:
            if alarm:
                alarm.cancel()
        if not self.closed:
            self._news.clear()
        waiting, self._waiting = self._waiting, {}
        return list(waiting.values())


def revision_of(text: str | None) -> int | None:
    """The revision that a client says it has seen; None for what never was one of ours."""
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 20 else None
