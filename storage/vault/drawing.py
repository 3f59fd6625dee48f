"""What persons are called and found by is drawn: from what was said of them, into their rows."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Final

from schemas.keyed import KeyedDigest
from storage.arrays import columns
from storage.database import Conn
from storage.journeys.states import read
from storage.ledger.ledger import JourneyKey
from storage.vault import profiles
from storage.vault.at_hand import AtHand
from storage.vault.keeping import PLATFORM, Keeper
from storage.vault.keys import PersonKey, PersonKeys
from storage.vault.master import Randomness
from storage.vault.profiles import Profile
from storage.vault.searching import Graduated, graduation, hash_asked

_ALWAYS: Final = datetime.max.replace(tzinfo=UTC)
_PROFILES: Final = """
SELECT p.campaign, p.candidate, p.profile FROM vault.person p
JOIN unnest(%s::text[], %s::text[]) AS k(campaign, candidate) USING (campaign, candidate)
WHERE p.profile IS NOT NULL
"""
SEARCHED: Final = "search"  # what the keys of hashes are derived for

NOBODY: Final[Mapping[JourneyKey, Graduated]] = MappingProxyType({})
UNKNOWN: Final[Graduated] = (None, None)


class Drawing:
    """Under the keys of persons. Every method wants a connection; those that draw or enter a transaction."""

    def __init__(self, keys: PersonKeys, randomness: Randomness) -> None:
        self._keys, self._randomness = keys, randomness

    async def draw(
        self,
        conn: Conn,
        told: Mapping[JourneyKey, Profile],
        *,
        graduated: Mapping[JourneyKey, Graduated] = NOBODY,
        anew: Collection[JourneyKey] = frozenset(),
        at_hand: AtHand | None = None,
    ) -> None:
        """Store what persons are called now, a value of None for what is no longer said; names that are not here stay
        as they are. `graduated`: of these and of whom it changed. `anew`: of whom nothing was known before."""
        at_hand = at_hand or AtHand()
        told = {key: told.get(key, {}) for key in told.keys() | graduated.keys() if told.get(key) or key in graduated}
        said = [key for key, changes in told.items() if any(value is not None for value in changes.values())]
        if not told:
            await self.enter(conn, at_hand)
            return
        keys = await self._keys.for_sealing(conn, dict.fromkeys(said, _ALWAYS), at_hand.keys, at_hand.made)
        keys |= await self._keys.held(conn, told.keys() - keys.keys())
        searched = at_hand.searched
        await self.find_search_keys(conn, (campaign for campaign, _ in told), searched)
        before = await self._profiles(conn, told.keys() - anew, keys)
        rows, entered = list[profiles.PersonColumns](), list[profiles.PersonColumns]()
        for key, changes in told.items():
            merged = {**before.get(key, {}), **changes}
            profile = {name: value for name, value in merged.items() if value is not None}
            text = profiles.sealed(profile, keys[key], key, self._randomness) if profile else None
            row = profiles.row_of(key, text, profile, searched, graduated.get(key, UNKNOWN))
            (entered if key in at_hand.made else rows).append(row)
        await profiles.enter(conn, at_hand.made, entered)
        if rows:
            await profiles.draw(conn, sorted(rows))

    async def enter(self, conn: Conn, at_hand: AtHand) -> None:
        """Let all whose keys were made have their rows: what comes next may look at them."""
        await profiles.enter(conn, at_hand.made)

    async def draw_more(self, conn: Conn, after: JourneyKey, most: int) -> JourneyKey | None:
        """Draw some of what persons are searched by, of those whom another version of Yinfeng drew last, the next ones
        after this. Returns after which to go on; None when nothing is left."""
        found = await (await conn.execute(profiles.UNDRAWN, [*after, most])).fetchall()
        texts = {(campaign, candidate): text for campaign, candidate, text, _ in found}
        graduated = {
            (campaign, candidate): UNKNOWN if state is None else graduation(read(state))
            for campaign, candidate, _, state in found
        }
        keys, searched = await self._keys.held(conn, texts), dict[str, KeyedDigest]()
        await self.find_search_keys(conn, (campaign for campaign, _ in texts), searched)
        rows = [
            profiles.row_of(key, text, profiles.opened(text, keys[key], key), searched, graduated[key])
            for key, text in texts.items()
        ]
        await profiles.draw(conn, rows)
        return rows[-1][:2] if rows else None

    async def asked(self, conn: Conn, campaign: str, text: str) -> tuple[str, str] | None:
        """The column of hashes (`phone`, `email`) that this text asks for, and what stands there of whom it is; None
        where it is no telephone number and no address."""
        keys = await self._keys.held(conn, [PLATFORM])
        keeper = Keeper(keys, self._randomness)
        return hash_asked(text, _search_key(keeper, campaign) if PLATFORM in keys else None)

    async def find_search_keys(self, conn: Conn, campaigns: Iterable[str], found: dict[str, KeyedDigest]) -> None:
        """Find, by campaign, the key under which telephone numbers and addresses are hashed there."""
        missing = {*campaigns} - found.keys()
        if missing:
            keeper = Keeper(await self._keys.for_keeping(conn, [PLATFORM]), self._randomness)
            found.update((campaign, _search_key(keeper, campaign)) for campaign in missing)

    async def _profiles(
        self, conn: Conn, persons: Collection[JourneyKey], keys: Mapping[JourneyKey, PersonKey]
    ) -> dict[JourneyKey, Profile]:
        if not persons:
            return {}
        cursor = await conn.execute(_PROFILES, columns(list(persons), 2))
        return {
            (campaign, candidate): profiles.opened(text, keys[campaign, candidate], (campaign, candidate))
            for campaign, candidate, text in await cursor.fetchall()
        }


def _search_key(keeper: Keeper, campaign: str) -> KeyedDigest:
    return KeyedDigest(keeper.digest(SEARCHED, campaign.encode()))
