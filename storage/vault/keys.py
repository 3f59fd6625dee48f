"""The keys of persons, as they stand wrapped in the vault. Nothing remembers one: a key that is remembered outlives its
erasure."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import msgspec

from schemas.errors import ConcurrentChange
from storage.arrays import columns
from storage.database import Conn
from storage.ledger.ledger import JourneyKey
from storage.vault.master import Master
from storage.vault.sealing import KEY_BYTES

_HELD: Final = """
SELECT p.campaign, p.candidate, p.life, p.key, p.erased_at FROM vault.person p
JOIN unnest(%s::text[], %s::text[]) AS k(campaign, candidate) USING (campaign, candidate)
"""
# In one order, so that two who hold the same persons don't wait for each other. Shared: no key is destroyed meanwhile.
_HOLD: Final = f'{_HELD} ORDER BY p.campaign COLLATE "C", p.candidate COLLATE "C" FOR SHARE OF p'
_MAKE: Final = """
INSERT INTO vault.person AS p (campaign, candidate, life, key)
SELECT c, n, l, k FROM unnest(%s::text[], %s::text[], %s::int[], %s::text[]) AS u(c, n, l, k)
ORDER BY c COLLATE "C", n COLLATE "C"
ON CONFLICT (campaign, candidate) DO UPDATE SET key = excluded.key WHERE p.key IS NULL AND p.life = excluded.life
"""
# Who never had a key is noted all the same: what was said before may come later.
_DESTROY: Final = """
INSERT INTO vault.person AS p (campaign, candidate, life, erased_at, registered)
SELECT c, n, 2, at, false FROM unnest(%s::text[], %s::text[], %s::timestamptz[]) AS u(c, n, at)
ORDER BY c COLLATE "C", n COLLATE "C"
ON CONFLICT (campaign, candidate) DO UPDATE SET key = NULL, name = NULL, profile = NULL, life = p.life + 1,
    registered = false, erased_at = greatest(coalesce(p.erased_at, excluded.erased_at), excluded.erased_at)
"""
_AGAIN: Final = 3  # how often a row may come or go between two looks

Randomness = Callable[[int], bytes]


@dataclass(frozen=True, slots=True)
class PersonKey:
    """A person's key in their present life. `key`: none where it was destroyed and no new life has begun."""

    life: int
    key: bytes | None
    erased_at: datetime | None = None

    def begins_with(self, said: datetime) -> bool:
        """Whether what was said then is of a new life that has no key as yet."""
        return self.key is None and (self.erased_at is None or said > self.erased_at)


class PersonKeys:
    """Keys of persons, wrapped by `master`."""

    def __init__(self, master: Master, randomness: Randomness = secrets.token_bytes) -> None:
        self._master, self._randomness = master, randomness

    async def held(self, conn: Conn, persons: Collection[JourneyKey]) -> dict[JourneyKey, PersonKey]:
        """The keys of these persons, for opening; who never had one is not among them. Raises ConfigurationError and
        CannotOpen where the master key is another."""
        if not persons:
            return {}
        cursor = await conn.execute(_HELD, columns(list(persons), 2))
        return self._unwrapped(await cursor.fetchall())

    async def for_sealing(self, conn: Conn, persons: Mapping[JourneyKey, datetime]) -> dict[JourneyKey, PersonKey]:
        """The keys of these persons, made where there is none; none is destroyed before this transaction ends.
        Persons come with when the latest of what is to be sealed was said: who was erased since gets no new key."""
        wanted = list(persons)
        if not wanted:
            return {}
        for _ in range(_AGAIN):
            cursor = await conn.execute(_HOLD, columns(wanted, 2))
            found = self._unwrapped(await cursor.fetchall())
            missing = [each for each in wanted if each not in found or found[each].begins_with(persons[each])]
            if not missing:
                return found
            await self._make(conn, missing, found)
        raise ConcurrentChange("a person was erased while facts were sealed")

    async def for_keeping(self, conn: Conn, persons: Collection[JourneyKey]) -> dict[JourneyKey, PersonKey]:
        """The keys of these persons, made where there is none. Nobody is held up: what is sealed under a key that is
        destroyed meanwhile is noise, as it should be."""
        found = await self.held(conn, persons)
        missing = [each for each in persons if each not in found or found[each].key is None]
        if not missing:
            return found
        await self._make(conn, missing, found)
        return await self.held(conn, persons)

    async def destroy(self, conn: Conn, erased: Sequence[tuple[str, str, datetime]]) -> None:
        """Destroy the keys of these persons (campaign, candidate, when they asked), and what is known by them."""
        await conn.execute(_DESTROY, columns(sorted(erased), 3))

    async def _make(self, conn: Conn, missing: list[JourneyKey], found: dict[JourneyKey, PersonKey]) -> None:
        made = []
        for person in missing:
            life = found[person].life if person in found else 1
            made.append((*person, life, self._master.wrap(self._randomness(KEY_BYTES), about(*person, life))))
        await conn.execute(_MAKE, columns(made, 4))

    def _unwrapped(self, rows: list[tuple[str, str, int, str | None, datetime | None]]) -> dict[JourneyKey, PersonKey]:
        return {
            (campaign, candidate): PersonKey(
                life, self._master.unwrap(wrapped, about(campaign, candidate, life)) if wrapped else None, erased_at
            )
            for campaign, candidate, life, wrapped, erased_at in rows
        }


def about(campaign: str, candidate: str, life: int) -> bytes:
    """Whose a wrapped key is: it can't be put into another row, nor into another life."""
    return _encode(["person", campaign, candidate, life])


_encode: Final = msgspec.json.Encoder().encode
