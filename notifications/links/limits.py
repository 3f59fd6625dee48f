"""How often the holder of one link may post: so many at once, then one now and then."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime
from typing import Final

from schemas.errors import TooMany

AT_ONCE: Final = 10
EVERY: Final = 10.0  # seconds
MOST_KNOWN: Final = 10_000  # links that are remembered; the one that posted longest ago is forgotten first


class Limit:
    """Counts in this process alone: a second web process allows as much again."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._left: OrderedDict[str, tuple[float, datetime]] = OrderedDict()

    def take(self, name: str) -> None:
        """One post by the link of this message. Raises TooMany."""
        now = self._clock()
        left, at = self._left.pop(name, (float(AT_ONCE), now))
        left = min(float(AT_ONCE), left + max((now - at).total_seconds(), 0.0) / EVERY)
        self._left[name] = (max(left - 1, 0.0) if left >= 1 else left, now)
        if len(self._left) > MOST_KNOWN:
            self._left.popitem(last=False)
        if left < 1:
            raise TooMany("this link was used too often just now; wait a minute, then try again")
