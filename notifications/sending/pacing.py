"""How quickly mail may leave: so many a second in all, and so many to one domain, by token buckets.

What a domain has no room for now waits its turn; mail to others goes past it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

BURST: Final = 10.0  # seconds' worth that may go at once
MOST_DOMAINS: Final = 10_000


@dataclass(slots=True)
class _Bucket:
    """`rate` tokens a second come in, `size` are kept at most."""

    rate: float
    size: float
    tokens: float
    at: datetime
    drained: bool = False

    def fill(self, now: datetime) -> None:
        seconds = max((now - self.at).total_seconds(), 0.0)
        self.tokens, self.at = min(self.size, self.tokens + seconds * self.rate), now
        # Half is awaited, so that a long queue to one domain is not looked through for a mail or two.
        self.drained = self.drained and self.tokens < max(1.0, self.size / 2)

    def take(self) -> bool:
        if self.tokens < 1:
            self.drained = True
            return False
        self.tokens -= 1
        return True


class Pace:
    """`rate` mails a second in all, `domain_rate` to one domain; None: as many as can be."""

    def __init__(self, rate: float | None, domain_rate: float | None, clock: Callable[[], datetime]) -> None:
        self._clock, self._domain_rate = clock, domain_rate
        self._all = _bucket(rate, clock()) if rate else None
        self._domains: dict[str, _Bucket] = {}

    def room(self, wanted: int) -> int:
        """How many of `wanted` mails may go now; these are then taken as sent."""
        if self._all is None:
            return wanted
        self._all.fill(self._clock())
        going = min(wanted, int(self._all.tokens))
        self._all.tokens -= going
        return going

    def give_back(self, count: int) -> None:
        """Of the mails that had room, so many did not go."""
        if self._all is not None:
            self._all.tokens = min(self._all.size, self._all.tokens + count)

    def admits(self, address: str) -> bool:
        """Whether a mail to this address may go now; it is then taken as sent."""
        if self._domain_rate is None:
            return True
        now, domain = self._clock(), domain_of(address)
        bucket = self._domains.get(domain)
        if bucket is None:
            self._forget(now)
            bucket = self._domains[domain] = _bucket(self._domain_rate, now)
        bucket.fill(now)
        return not bucket.drained and bucket.take()

    def full(self) -> list[str]:
        """The domains that no mail may go to now."""
        now = self._clock()
        for bucket in self._domains.values():
            bucket.fill(now)
        return [domain for domain, bucket in self._domains.items() if bucket.drained]

    def _forget(self, now: datetime) -> None:
        """Buckets that are full say nothing that a new one would not."""
        if len(self._domains) < MOST_DOMAINS:
            return
        for bucket in self._domains.values():
            bucket.fill(now)
        self._domains = {domain: each for domain, each in self._domains.items() if each.tokens < each.size}


def domain_of(address: str) -> str:
    return address.rpartition("@")[2].lower()


def _bucket(rate: float, now: datetime) -> _Bucket:
    size = max(1.0, rate * BURST)
    return _Bucket(rate, size, size, now)
