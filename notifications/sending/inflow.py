"""How quickly facts come into the ledger, over any worker and any web process."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

POURING: Final = 200  # facts a second: who applies them needs the processor more than a further sender
SHORTEST: Final = timedelta(seconds=1)  # between two looks that tell something together
LONGEST: Final = timedelta(seconds=15)


class Inflow:
    """Told of the ledger's last number now and then."""

    def __init__(self) -> None:
        self._at: datetime | None = None
        self._last, self._pours = 0, True

    def pours(self, last: int, now: datetime) -> bool:
        """Whether facts pour in, where `last` is the ledger's last number now. They are taken to, until two looks soon
        after one another tell that they do not."""
        passed = now - self._at if self._at is not None and now >= self._at else LONGEST  # clocks are set back
        if passed < SHORTEST:
            return self._pours
        self._pours = passed >= LONGEST or (last - self._last) / passed.total_seconds() >= POURING
        self._at, self._last = now, last
        return self._pours
