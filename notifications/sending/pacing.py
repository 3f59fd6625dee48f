"""How quickly mail may leave: so many a second in all, and so many to one domain, by token buckets that all senders
share.

What a domain has no room for now waits its turn; mail to others goes past it. Tokens are drawn for a portion at once,
in the transaction that claims it: a sender that is killed before has drawn none.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from storage.database import Conn
from storage.messages import rates
from storage.messages.rates import ALL, Level
from storage.vault.process import vault

BURST: Final = 10.0  # seconds' worth that may go at once


@dataclass(frozen=True, slots=True)
class Room:
    """How many of the mails that are wanted may go, and to which domains none may, by digest."""

    mails: int
    full: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class Pace:
    """`rate` mails a second in all, `domain_rate` to one domain; None: as many as can be."""

    rate: float | None = None
    domain_rate: float | None = None

    @property
    def is_set(self) -> bool:
        """Whether there is a bound at all."""
        return self.rate is not None or self.domain_rate is not None

    async def room(self, conn: Conn, wanted: int) -> Room:
        """How much room there is; nothing is drawn by it."""
        if not self.is_set:
            return Room(wanted)
        levels = await rates.look(conn)
        whole = levels.pop(ALL, None)
        mails = wanted
        if self.rate is not None:
            mails = min(wanted, int(filled(whole, self.rate).tokens if whole else size(self.rate)))
        if self.domain_rate is None:
            return Room(mails)
        return Room(mails, tuple(name for name, each in levels.items() if filled(each, self.domain_rate).drained))

    async def draw(self, conn: Conn, addresses: Sequence[str]) -> tuple[list[bool], int]:
        """For mails to these addresses, within the transaction that claims them: whether its domain has room for each,
        and how many of those that it has may go. These are then taken as sent."""
        fits = await self._of_domains(conn, addresses)
        wanted = sum(fits)
        if self.rate is None or not wanted:
            return fits, wanted
        return fits, (await _drawn(conn, {ALL: wanted}, self.rate, waits=False))[ALL]

    async def forget(self, conn: Conn) -> None:
        """What says nothing any more."""
        set_rates = [rate for rate in (self.rate, self.domain_rate) if rate is not None]
        if set_rates:
            await rates.forget(conn, 2 * max(BURST, *(1 / rate for rate in set_rates)))

    async def _of_domains(self, conn: Conn, addresses: Sequence[str]) -> list[bool]:
        if self.domain_rate is None or not addresses:
            return [True] * len(addresses)
        keeper = await vault().keeper(conn)
        names = [keeper.domain(domain_of(each)) for each in addresses]
        left = await _drawn(conn, Counter(names), self.domain_rate, waits=True)
        fits = []
        for name in names:
            left[name] -= 1
            fits.append(left[name] >= 0)
        return fits


async def _drawn(conn: Conn, wanted: Mapping[bytes, int], rate: float, *, waits: bool) -> dict[bytes, int]:
    """How many tokens each name is given of those it wants."""
    levels = await rates.lock(conn, dict.fromkeys(wanted, size(rate)))
    drawn = {name: draw(level, wanted[name], rate, waits=waits) for name, level in levels.items()}
    await rates.store(conn, {name: level for name, (level, _) in drawn.items()})
    return {name: given for name, (_, given) in drawn.items()}


def draw(level: Level, wanted: int, rate: float, *, waits: bool) -> tuple[Level, int]:
    """How it stands once as many tokens are drawn as there are of those wanted, and how many these are. `waits`: once
    more were wanted than there were, until half is there again, so that a long queue to one domain is not looked
    through for a mail or two."""
    now = filled(level, rate)
    if now.drained:
        return now, 0
    given = min(wanted, int(now.tokens))
    return Level(now.tokens - given, drained=waits and given < wanted), given


def filled(level: Level, rate: float) -> Level:
    """How it stands now, with what came in since."""
    tokens = min(size(rate), level.tokens + max(level.seconds, 0.0) * rate)
    return Level(tokens, drained=level.drained and tokens < max(1.0, size(rate) / 2))


def size(rate: float) -> float:
    """So many tokens are kept at most."""
    return max(1.0, rate * BURST)


def domain_of(address: str) -> str:
    return address.rpartition("@")[2].lower()
