"""What one transaction has of the vault, so that nothing is read, unwrapped or opened twice within it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from schemas.facts import Fact
from schemas.keyed import KeyedDigest
from storage.ledger.ledger import Identity, JourneyKey
from storage.vault.keys import Held, NewKeys


@dataclass(frozen=True, slots=True)
class AtHand:
    """What one transaction has at hand of the vault: the keys that it holds, by its seal what it sealed itself, as
    it was said (another may have said otherwise under the same identity), and by campaign the keys under which
    telephone numbers and addresses are hashed there. Nothing of it outlives the transaction.

    `made`: keys of those who have no row yet. Who a batch hears of first is entered once, with all that it says of them
    (`draw`), or before anything else is to look at their row (`enter`)."""

    keys: Held = field(default_factory=dict)
    made: NewKeys = field(default_factory=dict)
    said: dict[str, Fact] = field(default_factory=dict)
    searched: dict[str, KeyedDigest] = field(default_factory=dict)

    def forget(self, persons: Iterable[JourneyKey]) -> None:
        """These persons were erased by the transaction itself."""
        for person in persons:
            self.keys.pop(person, None)


@dataclass(frozen=True, slots=True)
class ReadSoFar:
    """What one transaction has read of the vault, without holding it: keys, facts as they were said, and by what
    addresses are found. Nothing of it outlives the transaction."""

    keys: Held = field(default_factory=dict)
    facts: dict[Identity, Fact] = field(default_factory=dict)
    addresses: dict[str, bytes] = field(default_factory=dict)
