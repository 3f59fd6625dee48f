"""How often the holder of one link may post."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Final

from schemas.limits import Limit

AT_ONCE: Final = 10
EVERY: Final = 10.0  # seconds
_SAID: Final = "this link was used too often just now; wait a minute, then try again"


def of_a_link(clock: Callable[[], datetime]) -> Limit:
    """Counts the posts by each link."""
    return Limit(clock, AT_ONCE, EVERY, _SAID)
