"""A key service in memory: it wraps and unwraps, and never hands its master key out."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Iterable

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from schemas.errors import CannotOpen, ConfigurationError


class KeyService:
    """Satisfies `storage.vault.master.Master`."""

    def __init__(self) -> None:
        self._keys: dict[str, AESGCM] = {}
        self._current = ""
        self.rotate()

    @property
    def current(self) -> str:
        return self._current

    def rotate(self) -> str:
        self._current = secrets.token_hex(4)
        self._keys[self._current] = AESGCM(AESGCM.generate_key(256))
        return self._current

    def wrap(self, key: bytes, about: bytes) -> str:
        nonce = secrets.token_bytes(12)
        return (
            f"{self._current}:{base64.b64encode(nonce + self._keys[self._current].encrypt(nonce, key, about)).decode()}"
        )

    def wrap_all(self, keys: Iterable[tuple[bytes, bytes]]) -> list[str]:
        return [self.wrap(key, about) for key, about in keys]

    def unwrap(self, wrapped: str, about: bytes) -> bytes:
        id, _, text = wrapped.partition(":")
        if id not in self._keys:
            raise ConfigurationError(f"the key service has no key {id}")
        try:
            raw = base64.b64decode(text, validate=True)
            return self._keys[id].decrypt(raw[:12], raw[12:], about)
        except (InvalidTag, ValueError) as error:
            raise CannotOpen("the key service can't unwrap this") from error
