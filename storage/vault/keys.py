"""The keys of persons, as they stand wrapped in the vault. Nothing remembers one beyond the transaction that holds it:
a key that is remembered outlives its erasure."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

import msgspec

from schemas.errors import ConcurrentChange
from storage.arrays import columns
from storage.database import Conn
from storage.ledger.ledger import JourneyKey
from storage.vault.master import Master, Randomness
from storage.vault.sealing import KEY_BYTES

READ: Final = "p.campaign, p.candidate, p.life, p.key, p.erased_at, p.restricted_at IS NOT NULL"
_HELD: Final = f"""
SELECT {READ} FROM vault.person p
JOIN unnest(%s::text[], %s::text[]) AS k(campaign, candidate) USING (campaign, candidate)
"""
# In one order, so that two who hold the same persons don't wait for each other. Shared: no key is destroyed meanwhile.
_HOLD: Final = f'{_HELD} ORDER BY p.campaign COLLATE "C", p.candidate COLLATE "C" FOR SHARE OF p'
# A key is wrapped for one life: who was erased meanwhile has another.
_MAKE: Final = """
INSERT INTO vault.person AS p (campaign, candidate, life, key)
SELECT c, n, l, k FROM unnest(%s::text[], %s::text[], %s::int[], %s::text[]) AS u(c, n, l, k)
ORDER BY c COLLATE "C", n COLLATE "C"
ON CONFLICT (campaign, candidate) DO UPDATE SET key = excluded.key WHERE p.key IS NULL AND p.life = excluded.life
RETURNING campaign, candidate, life, erased_at
"""
# Who never had a key is noted all the same: what was said before may come later.
_DESTROY: Final = """
INSERT INTO vault.person AS p (campaign, candidate, life, erased_at, registered)
SELECT c, n, 2, at, false FROM unnest(%s::text[], %s::text[], %s::timestamptz[]) AS u(c, n, at)
ORDER BY c COLLATE "C", n COLLATE "C"
ON CONFLICT (campaign, candidate) DO UPDATE SET key = NULL, name = NULL, profile = NULL, pinyin = NULL,
    initials = NULL, sought = NULL, phone = NULL, email = NULL, drawn = NULL, life = p.life + 1, registered = false,
    restricted_at = NULL, restricted_until = NULL, restricted_ground = NULL,
    erased_at = greatest(coalesce(p.erased_at, excluded.erased_at), excluded.erased_at)
"""
_LOCK: Final = """
SELECT FROM vault.person p JOIN unnest(%s::text[], %s::text[]) AS k(campaign, candidate) USING (campaign, candidate)
ORDER BY p.campaign COLLATE "C", p.candidate COLLATE "C" FOR UPDATE OF p
"""
# What is shown of an address that no mail goes to is sealed under the key of whom the mail was for.
_DISCARD: Final = """
DELETE FROM vault.person p USING unnest(%s::text[], %s::text[]) AS k(campaign, candidate)
WHERE p.campaign = k.campaign AND p.candidate = k.candidate AND p.erased_at IS NULL
  AND NOT EXISTS (SELECT FROM facts f WHERE (f.campaign, f.candidate) = (p.campaign, p.candidate))
  AND NOT EXISTS (SELECT FROM unconfirmed u WHERE (u.campaign, u.candidate) = (p.campaign, p.candidate))
  AND NOT EXISTS (SELECT FROM suppressions s JOIN messages m ON m.id = s.message
                  WHERE (m.campaign, m.candidate) = (p.campaign, p.candidate))
RETURNING p.campaign, p.candidate
"""
LONG_AGO: Final = datetime.min.replace(tzinfo=UTC)
_AGAIN: Final = 3  # how often a row may come or go between two looks


class PersonKey(msgspec.Struct, frozen=True, gc=False):
    """A person's key in their present life. `key`: none where it was destroyed and no new life has begun. `hidden`: it
    opens nothing for readers while the person is restricted."""

    life: int
    key: bytes | None
    erased_at: datetime | None = None
    hidden: bool = False

    def begins_with(self, said: datetime) -> bool:
        """Whether what was said then is of a new life that has no key as yet."""
        return self.key is None and (self.erased_at is None or said > self.erased_at)


Held = dict[JourneyKey, PersonKey]  # what one transaction holds: nobody else destroys it before it ends
NewKeys = dict[JourneyKey, str]  # wrapped keys of persons who have no row as yet: the transaction enters them itself


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
        return self.unwrapped(await cursor.fetchall())

    async def hold(self, conn: Conn, persons: Iterable[JourneyKey], held: Held) -> None:
        """Let this transaction hold these persons' keys, those that there are."""
        missing = [person for person in persons if person not in held]
        if missing:
            cursor = await conn.execute(_HOLD, columns(missing, 2))
            held |= self.unwrapped(await cursor.fetchall())

    async def for_sealing(
        self,
        conn: Conn,
        persons: Mapping[JourneyKey, datetime],
        held: Held | None = None,
        made: NewKeys | None = None,
    ) -> dict[JourneyKey, PersonKey]:
        """The keys of these persons, made where there is none; none is destroyed before this transaction ends.
        Persons come with when the latest of what is to be sealed was said: who was erased since gets no new key.
        `held`: what this transaction holds already, and holds from now on. `made`: where who has no row yet is noted
        with their key; without it they are entered at once."""
        held = {} if held is None else held
        for _ in range(_AGAIN):
            await self.hold(conn, persons, held)
            missing = [each for each, said in persons.items() if each not in held or held[each].begins_with(said)]
            if not missing:
                return {each: held[each] for each in persons}
            await self._make(conn, missing, held, made)
        raise ConcurrentChange("a person was erased while facts were sealed")

    async def for_keeping(
        self, conn: Conn, persons: Collection[JourneyKey], said: Mapping[JourneyKey, datetime] | None = None
    ) -> dict[JourneyKey, PersonKey]:
        """The keys of these persons, made where there is none; who was erased gets no new one, but for what was `said`
        later. Nobody is held up: what is sealed under a key that is destroyed meanwhile is noise, as it should be."""
        found, said = await self.held(conn, persons), said or {}
        missing = [each for each in persons if each not in found or found[each].begins_with(said.get(each, LONG_AGO))]
        if not missing:
            return found
        await self._make(conn, missing, found)
        return await self.held(conn, persons)

    async def destroy(self, conn: Conn, erased: Sequence[tuple[str, str, datetime]]) -> None:
        """Destroy the keys of these persons (campaign, candidate, when they asked), and what is known by them."""
        await conn.execute(_DESTROY, columns(sorted(erased), 3))

    async def lock(self, conn: Conn, persons: Collection[JourneyKey]) -> None:
        """Keep others from sealing anything for these persons before this transaction ends: what they have committed
        is seen from now on."""
        await conn.execute(_LOCK, columns(list(persons), 2))

    async def discard(self, conn: Conn, persons: Collection[JourneyKey]) -> list[JourneyKey]:
        """Take those of these persons away with their keys of whom nothing was said, nor waits to be. Returns them.
        What else is sealed under their keys must go in the same transaction: nobody opens it any more."""
        await self.lock(conn, persons)
        gone = await (await conn.execute(_DISCARD, columns(list(persons), 2))).fetchall()
        return [(campaign, candidate) for campaign, candidate in gone]

    async def _make(self, conn: Conn, missing: list[JourneyKey], held: Held, made: NewKeys | None = None) -> None:
        """Those whom somebody else was about to change are held no more: they are to be looked at again."""
        keys, rows = {person: self._randomness(KEY_BYTES) for person in missing}, []
        lives = {person: held[person].life if person in held else 1 for person in missing}
        wrapping = self._master.wrap_all((key, about(*person, lives[person])) for person, key in keys.items())
        for (person, key), wrapped in zip(keys.items(), wrapping, strict=True):
            before, life = held.pop(person, None), lives[person]
            if made is not None and before is None:
                made[person], held[person] = wrapped, PersonKey(life, key)
            else:
                rows.append((*person, life, wrapped))
        if not rows:
            return
        cursor = await conn.execute(_MAKE, columns(rows, 4))
        for campaign, candidate, life, erased_at in await cursor.fetchall():
            held[campaign, candidate] = PersonKey(life, keys[campaign, candidate], erased_at)

    def unwrapped(
        self, rows: Iterable[tuple[str, str, int, str | None, datetime | None, bool]]
    ) -> dict[JourneyKey, PersonKey]:
        """The keys of rows of persons (`READ`)."""
        return {
            (campaign, candidate): PersonKey(
                life,
                self._master.unwrap(wrapped, about(campaign, candidate, life)) if wrapped else None,
                erased_at,
                hidden,
            )
            for campaign, candidate, life, wrapped, erased_at, hidden in rows
        }


def about(campaign: str, candidate: str, life: int) -> bytes:
    """Whose a wrapped key is: it can't be put into another row, nor into another life."""
    return _encode(["person", campaign, candidate, life])


_encode: Final = msgspec.json.Encoder().encode
