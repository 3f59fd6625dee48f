"""How often something may be done under a name: so many at once, then one now and then. And whose address is whose."""

from __future__ import annotations

import ipaddress
from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime
from typing import Final

from schemas.errors import TooMany

MOST_KNOWN: Final = 10_000  # names that are remembered; the one that was used longest ago is forgotten first
_V4: Final = 24  # bits that the addresses of one network share, as far as a stranger can tell
_V6: Final = 56


class Limit:
    """Counts in this process alone: a second web process allows as much again. `every` in seconds; `said`: what is
    told to whoever comes too often."""

    def __init__(self, clock: Callable[[], datetime], at_once: int, every: float, said: str) -> None:
        self._clock, self._at_once, self._every, self._said = clock, float(at_once), every, said
        self._left: OrderedDict[str, tuple[float, datetime]] = OrderedDict()

    def take(self, name: str) -> None:
        """Once more under this name. Raises TooMany."""
        now = self._clock()
        left, at = self._left.pop(name, (self._at_once, now))
        left = min(self._at_once, left + max((now - at).total_seconds(), 0.0) / self._every)
        self._left[name] = (left - 1 if left >= 1 else left, now)
        if len(self._left) > MOST_KNOWN:
            self._left.popitem(last=False)
        if left < 1:
            raise TooMany(self._said)


def network(address: str) -> str:
    """The network that an address is of: those in it are counted together. What is no address is its own."""
    try:
        known = ipaddress.ip_address(address)
    except ValueError:
        return address[:100]
    if isinstance(known, ipaddress.IPv6Address) and known.ipv4_mapped:
        known = known.ipv4_mapped
    if isinstance(known, ipaddress.IPv6Address):
        return str(ipaddress.IPv6Network((int(known), _V6), strict=False))
    return str(ipaddress.IPv4Network((int(known), _V4), strict=False))
