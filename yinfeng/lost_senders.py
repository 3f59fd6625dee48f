"""The senders that one worker lost: they ended by themselves, hung, or could not be started.

One alone is nothing: another takes its place at once. Where that is lost as well, something is amiss that somebody must
mend.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import Final

WITHIN: Final = 300.0  # seconds in which two are lost, and after the last of them, that something is amiss


class LostSenders:
    """`number`: how many since the worker started."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._last: deque[tuple[float, str]] = deque(maxlen=2)
        self.number = 0

    def note(self, why: str) -> None:
        """One was lost: it "ended with 1"."""
        self.number += 1
        self._last.append((self._clock(), why))

    def trouble(self) -> str | None:
        """Why the last one was lost, where senders keep being lost."""
        now = self._clock()
        recent = [why for at, why in self._last if now - at < WITHIN]
        return recent[-1] if len(recent) > 1 else None
