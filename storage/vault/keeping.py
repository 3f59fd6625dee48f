"""What is kept about persons beside their facts, sealed: words in a column, bytes, and what tells of several at once.

What is sealed begins with `yfs1`, so that what an earlier version kept in the clear is known from it.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import re
from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from typing import Any, Final

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from schemas.errors import CannotOpen
from schemas.keyed import KeyedDigest
from storage.ledger.ledger import JourneyKey
from storage.vault.keys import PersonKey
from storage.vault.master import Randomness

PLATFORM: Final[JourneyKey] = ("", "")  # whose key is the platform's own, for what is nobody's
SEALED_BYTES: Final = b"yfs1"
SEALED_WORDS: Final = "yfs1."
GONE: Final = "…"  # stands for words whose key was destroyed, within others
_LIFE: Final = 4  # bytes
_NONCE: Final = 12
_KEY: Final = 32
_HEAD: Final = len(SEALED_BYTES) + _LIFE
_WORDS: Final = re.compile(r"yfs1\.[A-Za-z0-9_-]{43,}")
_ADDRESS_BYTES: Final = 16
_DOMAIN_BYTES: Final = 8

Lives = dict[str, int]  # candidate → life


class Keeper:
    """Seals and opens with the keys of some persons. `purpose` says what is sealed: it can't be moved to another place.
    What was sealed in a life that ended reads as nothing. All that opens raises CannotOpen for what was changed, and
    for a person whose key never was."""

    def __init__(
        self,
        keys: Mapping[JourneyKey, PersonKey],
        randomness: Randomness,
        addresses: dict[str, bytes] | None = None,
    ) -> None:
        self._keys, self._randomness = keys, randomness
        self._addresses = {} if addresses is None else addresses
        self._domains: dict[str, bytes] = {}
        self._keyed: KeyedDigest | None = None

    def seal(self, whose: JourneyKey, purpose: str, said: bytes) -> bytes | None:
        """None where the person was erased a moment ago."""
        held = self._keys[whose]
        if held.key is None:
            return None
        nonce, life = self._randomness(_NONCE), held.life.to_bytes(_LIFE, "big")
        return SEALED_BYTES + life + nonce + AESGCM(held.key).encrypt(nonce, said, _about(purpose, whose, life))

    def is_of_this_life(self, whose: JourneyKey, said: datetime) -> bool:
        """Whether what was said then was not said before the person was erased."""
        erased_at = self._keys[whose].erased_at
        return erased_at is None or said > erased_at

    def open(self, whose: JourneyKey, purpose: str, kept: bytes) -> bytes | None:
        """None where its key was destroyed. What is in the clear is returned as it is."""
        if not is_sealed(kept):
            return kept
        held, life = self._held(whose), kept[len(SEALED_BYTES) : _HEAD]
        if held.key is None or int.from_bytes(life, "big") != held.life:
            return None
        return _decrypted(held.key, kept[_HEAD:], _about(purpose, whose, life))

    def seal_words(self, whose: JourneyKey, purpose: str, said: str | None) -> str | None:
        """Words for a column of text."""
        sealed = self.seal(whose, purpose, said.encode()) if said else None
        if sealed is None:
            return None
        return SEALED_WORDS + base64.urlsafe_b64encode(sealed[len(SEALED_BYTES) :]).decode().rstrip("=")

    def open_words(self, whose: JourneyKey, purpose: str, kept: str | None) -> str | None:
        """The words, also where only a part of them is sealed."""
        if kept is None or SEALED_WORDS not in kept:
            return kept
        opened = _WORDS.sub(lambda found: self._opened_words(whose, purpose, found[0]) or GONE, kept)
        return None if opened == GONE else opened

    def seal_together(self, campaign: str, candidates: Collection[str], said: bytes) -> tuple[bytes, Lives] | None:
        """What tells of several persons, under all their keys at once: who destroys one of them destroys it. With their
        lives, to be kept beside it."""
        lives = {each: self._keys[campaign, each].life for each in sorted(candidates)}
        key = self._joint(campaign, lives)
        if key is None:
            return None
        nonce = self._randomness(_NONCE)
        return nonce + AESGCM(key).encrypt(nonce, said, _encode([campaign, lives])), lives

    def open_together(self, campaign: str, lives: Lives, kept: bytes) -> bytes | None:
        """None where one of them was erased since."""
        ordered = dict(sorted(lives.items()))
        key = self._joint(campaign, ordered)
        return None if key is None else _decrypted(key, kept, _encode([campaign, ordered]))

    def seal_apart(self, name: str, said: bytes) -> tuple[bytes, bytes]:
        """Under a key of its own, which is returned with it."""
        key, nonce = self._randomness(_KEY), self._randomness(_NONCE)
        return key, nonce + AESGCM(key).encrypt(nonce, said, name.encode())

    def address(self, address: str) -> bytes:
        """What an address is found by: the same however it is written, and noise to who has no master key."""
        lower = address.lower()
        known = self._addresses.get(lower)
        if known is None:
            known = self._addresses[lower] = self._digest("address", lower)[:_ADDRESS_BYTES]
        return known

    def domain(self, domain: str) -> bytes:
        """What the domain of an address is found by."""
        known = self._domains.get(domain)
        if known is None:  # many have their mail at the same
            known = self._domains[domain] = self._digest("domain", domain.lower())[:_DOMAIN_BYTES]
        return known

    def digest(self, purpose: str, said: bytes) -> bytes:
        """What tells the same bytes again."""
        if self._keyed is None:
            self._keyed = KeyedDigest(self._platform())
        return self._keyed(purpose.encode() + b":" + said)

    def _digest(self, purpose: str, said: str) -> bytes:
        return self.digest(purpose, said.encode("utf-8", "surrogatepass"))

    def _platform(self) -> bytes:
        key = self._held(PLATFORM).key
        assert key is not None
        return key

    def _joint(self, campaign: str, lives: Lives) -> bytes | None:
        keys = []
        for candidate, life in lives.items():
            held = self._held((campaign, candidate))
            if held.key is None or held.life != life:
                return None
            keys.append(held.key)
        return hmac.digest(b"".join(keys), b"yinfeng.together", "sha256")

    def _opened_words(self, whose: JourneyKey, purpose: str, words: str) -> str | None:
        text = words.removeprefix(SEALED_WORDS)
        try:
            raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        except binascii.Error as error:
            raise CannotOpen("sealed words were changed") from error
        opened = self.open(whose, purpose, SEALED_BYTES + raw)
        return None if opened is None else opened.decode()

    def _held(self, whose: JourneyKey) -> PersonKey:
        found = self._keys.get(whose)
        if found is None:
            raise CannotOpen(f"what is kept of {whose[1]!r} in {whose[0]!r} is sealed under a key that never was here")
        return found


def open_apart(key: bytes, name: str, kept: bytes) -> bytes:
    """What was sealed under a key of its own. Raises CannotOpen."""
    return _decrypted(key, kept, name.encode())


def is_sealed(kept: bytes) -> bool:
    """Whether bytes of a column are sealed."""
    return kept.startswith(SEALED_BYTES)


def _decrypted(key: bytes, kept: bytes, about: bytes) -> bytes:
    try:
        return AESGCM(key).decrypt(kept[:_NONCE], kept[_NONCE:], about)
    except (InvalidTag, ValueError) as error:
        raise CannotOpen("what is sealed was changed, or sealed with another key") from error


def _about(purpose: str, whose: JourneyKey, life: bytes) -> bytes:
    return _encode([purpose, *whose]) + life


_encode: Final[Callable[[Any], bytes]] = msgspec.json.Encoder().encode
