"""What listeners are told, and what waits for each of them.

Thousands may listen to the same. So news goes to an audience: it is written once, as one piece of bytes, and each line
that is free takes it at once, in one step and without waking a task. Whose line is not free, or who has not taken what
came before, finds the news waiting, of each thing the latest.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

TellingKey = tuple[str, ...]  # campaign and target, and what is told besides
Row = dict[str, Any]
EventName = Literal["progress", "withdrawn", "reached", "redraw", "charts"]


@dataclass(frozen=True, slots=True, eq=False)
class Told:
    """A target progressed or was withdrawn; and, for pages alone, it reached a milestone, its campaign's targets are
    to be drawn anew, its campaign's charts were. `row` is what is told of it, `target` the
    target that it is about (None for what is about none).

    A client that has seen revision n lacks what has an order above n: a revision is its own order, unless it was
    committed after higher ones; then, as for a withdrawal, the order is one above all that was told before.
    """

    event: EventName
    campaign: str
    row: Row
    order: int
    revision: int | None = None
    target: Mapping[str, Any] | None = None
    _wires: dict[Encode, bytes] = field(default_factory=dict, init=False, repr=False)

    def wire(self, form: Encode) -> bytes:
        """The event as it goes over the line in this form; written once for all who listen."""
        if form not in self._wires:
            self._wires[form] = form(self)
        return self._wires[form]


Encode = Callable[[Told], bytes]
News = tuple[TellingKey, Told]  # what is told, and in place of what
Reads = Callable[[Mapping[str, Any]], bool]  # whether a target, by its `measure` and `where`, may be read


def reads_all(target: Mapping[str, Any]) -> bool:
    """Every target."""
    return True


@dataclass(frozen=True, slots=True)
class StreamAudience:
    """Who watches the same: all campaigns, one, or those `among` some, and of their targets those that it `reads`.
    To be one audience, their `reads` must be equal."""

    campaign: str | None = None
    among: frozenset[str] | None = None
    reads: Reads = reads_all

    def wants(self, told: Told) -> bool:
        """Whether it is about what they watch."""
        here = self.campaign in (None, told.campaign) and (self.among is None or told.campaign in self.among)
        return here and (told.target is None or self.reads(told.target))

    def wanted(self, news: Iterable[News]) -> list[News]:
        """Of the news what is about that, and of each thing the latest."""
        found: dict[TellingKey, Told] = {}
        for key, told in news:
            if self.wants(told):
                found.pop(key, None)
                found[key] = told
        return list(found.items())


class Line(Protocol):
    """The connection under an answer that is sent in chunks (HTTP/1.1)."""

    def is_free(self) -> bool:
        """Whether it stands, and nothing that was written waits to leave this process."""

    def write(self, chunk: bytes) -> None:
        """Write a chunk, with its length before it, past all that an answer goes through."""


class Round:
    """What one audience is told at one time."""

    def __init__(self, news: Sequence[News], at: float) -> None:
        """`at` is the event loop's time."""
        self.news, self.at = news, at
        self._chunks: dict[Encode, bytes] = {}

    def chunk(self, form: Encode) -> bytes:
        """All of it as one chunk, written once for all who read this form; empty where that has nothing to say."""
        if form not in self._chunks:
            body = b"".join([told.wire(form) for _, told in self.news])
            self._chunks[form] = b"%x\r\n%b\r\n" % (len(body), body) if body else b""
        return self._chunks[form]


class Subscription:
    """One client's news: of each target only the latest, so that a slow client holds no more than all targets once."""

    def __init__(self, audience: StreamAudience, last: int | None = None) -> None:
        """`last` is the revision that the client has seen."""
        self.audience, self.last = audience, last
        self._waiting: dict[TellingKey, Told] = {}
        self._news = asyncio.Event()
        self._outlet: tuple[Line, Encode] | None = None
        self._rests = False  # has taken all, and waits for more
        self.written = 0.0  # the event loop's time when its line was last written to
        self.closed = False

    def use(self, line: Line, form: Encode) -> None:
        """From now on, write to this line what finds it free."""
        self._outlet = line, form

    def close(self) -> None:
        """Nothing more will be told."""
        self.closed = True
        self._news.set()

    def tell(self, round: Round) -> None:
        """Write it to the line, or let it wait here."""
        if self._outlet and self._rests and not self._waiting and not self.closed and self._outlet[0].is_free():
            line, form = self._outlet
            if chunk := round.chunk(form):
                line.write(chunk)
                self.written = round.at
            return
        for key, told in round.news:
            self.put(key, told)

    def put(self, key: TellingKey, told: Told) -> None:
        """Let it wait here, in place of what waited under this key."""
        self._waiting.pop(key, None)
        self._waiting[key] = told
        self._news.set()

    async def take(self, within: float | None = None) -> list[Told]:
        """Wait for news, then take all of it, in the order in which it came. Nothing when closed meanwhile, or when
        none waits after so many seconds."""
        alarm = None if within is None else asyncio.get_running_loop().call_later(within, self._news.set)
        self._rests = True
        try:
            await self._news.wait()
        finally:
            self._rests = False
            if alarm:
                alarm.cancel()
        if not self.closed:
            self._news.clear()
        waiting, self._waiting = self._waiting, {}
        return list(waiting.values())


def revision_of(text: str | None) -> int | None:
    """The revision that a client says it has seen; None for what never was one of ours."""
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 20 else None
