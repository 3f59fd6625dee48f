"""Facts sealed by who has no key of a person: for the platform, under its public key. Pure. They become
`sealed: "2.<id of the key>.<names>.<ephemeral key, nonce and ciphertext>"` (see sealing.py), are opened as they enter,
and sealed under their persons' keys then.

A batch has one ephemeral key (X25519), so that its facts cost no more than AES-256-GCM.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final, Self

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from schemas.errors import CannotOpen, ConfigurationError
from schemas.sealed import ENTRY_VERSION, SEALED, EntrySeal, Event, entry_seal_of
from storage.vault.master import Randomness
from storage.vault.sealing import parts_of, personal, with_parts, without

KEY_BYTES: Final = 32
_PREFIX: Final = "yfk1"
_NONCE: Final = 12
_ID: Final = 8  # characters


@dataclass(frozen=True, slots=True)
class EntryKey:
    """The platform's public key, as text `yfk1.<id>.<key>`. The id is drawn from the key, so that a slip is noticed."""

    id: str
    public: bytes

    @classmethod
    def of(cls, public: bytes) -> Self:
        return cls(sha256(public).hexdigest()[:_ID], public)

    @classmethod
    def read(cls, text: str) -> Self:
        """Raises ConfigurationError."""
        prefix, _, rest = text.strip().partition(".")
        id, _, encoded = rest.partition(".")
        try:
            found = cls.of(_decoded(encoded))
        except binascii.Error:
            found = None
        if found is None or prefix != _PREFIX or len(found.public) != KEY_BYTES or found.id != id:
            raise ConfigurationError("this is no key to seal with; `yinfeng vault entry-key` prints it")
        return found

    def __str__(self) -> str:
        return f"{_PREFIX}.{self.id}.{_encoded(self.public)}"


def public_of(private: bytes) -> EntryKey:
    """The public key that belongs to a private one."""
    return EntryKey.of(X25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw())


class EntrySealer:
    """Seals the facts of one batch for the platform whose key this is."""

    def __init__(self, key: EntryKey, randomness: Randomness) -> None:
        own = X25519PrivateKey.from_private_bytes(randomness(KEY_BYTES))
        self._id, self._ephemeral = key.id, own.public_key().public_bytes_raw()
        shared = own.exchange(X25519PublicKey.from_public_bytes(key.public))
        self._cipher = AESGCM(_derived(shared, self._ephemeral, key.public))
        self._randomness = randomness

    def seal(self, event: Event) -> Event:
        """The event with what is personal sealed; itself where nothing is."""
        names = personal(event)
        if not names:
            return event
        said, nonce = ",".join(names), self._randomness(_NONCE)
        ciphertext = self._cipher.encrypt(nonce, _encode(parts_of(event, names)), _about(event, self._id, said))
        contents = _encoded(self._ephemeral + nonce + ciphertext)
        return {**without(event, names), SEALED: f"{ENTRY_VERSION}.{self._id}.{said}.{contents}"}


class EntryOpener:
    """Opens the facts of one batch, with the private keys of this platform by their ids."""

    def __init__(self, private: Mapping[str, bytes]) -> None:
        self._private = private
        self._ciphers: dict[tuple[str, bytes], AESGCM] = {}

    def open(self, event: Event) -> Event:
        """The event as it was said. Raises CannotOpen for what is sealed with a key that is not here, was changed, or
        says more than what is personal: anybody may have sealed it."""
        held = entry_seal_of(event)
        if held is None:
            raise CannotOpen("what is sealed has a form that this version doesn't know")
        try:
            raw = _decoded(held.contents)
            cipher = self._cipher(held.key, raw[:KEY_BYTES])
            nonce, ciphertext = raw[KEY_BYTES : KEY_BYTES + _NONCE], raw[KEY_BYTES + _NONCE :]
            inside = _decode(cipher.decrypt(nonce, ciphertext, _about(event, held.key, held.said)))
        except (InvalidTag, binascii.Error, ValueError, RecursionError) as error:
            raise CannotOpen("what is sealed was changed, or sealed with another key") from error
        return _restored(event, held, inside)

    def _cipher(self, id: str, ephemeral: bytes) -> AESGCM:
        private = self._private.get(id)
        if private is None:
            raise CannotOpen(f"it is sealed with the key {id[:_ID]}, which is not, or no longer, here")
        if (id, ephemeral) not in self._ciphers:
            own = X25519PrivateKey.from_private_bytes(private)
            shared = own.exchange(X25519PublicKey.from_public_bytes(ephemeral))
            derived = _derived(shared, ephemeral, own.public_key().public_bytes_raw())
            self._ciphers[id, ephemeral] = AESGCM(derived)
        return self._ciphers[id, ephemeral]


def _restored(event: Event, held: EntrySeal, inside: dict[str, Any]) -> Event:
    opened = with_parts(without(event, [f"@{SEALED}"]), inside)
    if set(inside) != set(held.said.split(",")) or not set(inside) <= set(personal(opened)):
        raise CannotOpen("what is sealed is not what a fact says of a person")
    return opened


def _derived(shared: bytes, ephemeral: bytes, public: bytes) -> bytes:
    return HKDF(SHA256(), KEY_BYTES, salt=None, info=b"yinfeng.entry" + ephemeral + public).derive(shared)


def _about(event: Event, key: str, said: str) -> bytes:
    data = event["data"]
    whose = (data["campaign"], data.get("candidate"))
    return _encode([ENTRY_VERSION, key, said, *whose, event["source"], event["id"], event["type"], event["time"]])


def _encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _decoded(text: str) -> bytes:
    return base64.b64decode(text.encode() + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)


_encode: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder(dict[str, Any]).decode
