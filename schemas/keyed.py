"""Digests under a key, of which many are made with the same one."""

from __future__ import annotations

import hashlib
from typing import Final

_BLOCK: Final = 64  # bytes of SHA-256
_INNER: Final = bytes(each ^ 0x36 for each in range(256))
_OUTER: Final = bytes(each ^ 0x5C for each in range(256))


class KeyedDigest:
    """HMAC-SHA256 (RFC 2104) with one key, which is taken in once: half of what `hmac.digest` takes for what is short.
    For keys of a block at most, which need not be digested themselves."""

    def __init__(self, key: bytes) -> None:
        if len(key) > _BLOCK:
            raise ValueError("the key is longer than a block")
        whole = key.ljust(_BLOCK, b"\0")
        self._inner, self._outer = (hashlib.sha256(whole.translate(pad)) for pad in (_INNER, _OUTER))

    def __call__(self, said: bytes) -> bytes:
        """The digest of this."""
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(said)
        outer.update(inner.digest())
        return outer.digest()
