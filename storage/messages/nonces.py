"""Names of messages outside: in links, mails and facts. Nobody can guess one, and none tells a message's number.

A name is a UUID of 16 bytes, the message's number and the digest of its reason enciphered as one block under a secret
of this installation: without that, it is not to be told from a random one. So it needs neither a column nor an index.
By the reason it is a name of this message alone: a database that was restored gives numbers again, to other messages.

Messages of earlier versions, and those that are named anew, have a random nonce in their row: that is their name.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from functools import lru_cache
from typing import Final
from uuid import UUID

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from storage.database import Conn

_NUMBER: Final = 6  # bytes of a block; the others are of the reason's digest
_BLOCK: Final = 16
_KEY: Final = 32
_ENSURE: Final = "INSERT INTO secrets (name, value) VALUES ('nonces', %b) ON CONFLICT DO NOTHING"
_LOAD: Final = "SELECT value FROM secrets WHERE name = 'nonces'"


class Nonces:
    """Messages' names, and what they name."""

    def __init__(self, key: bytes) -> None:
        # One block, which never is the same for two messages: no mode has anything to add.
        self._cipher = Cipher(algorithms.AES(key), modes.ECB())  # noqa: S305

    def of(self, id: int, reason: str, drawn: str | None) -> str:
        """The name of a message: the one `drawn` by an earlier version, or by its number and the key of its reason as
        it is stored."""
        return drawn if drawn is not None else self.of_all([(id, reason)])[0]

    def of_all(self, messages: Sequence[tuple[int, str]]) -> list[str]:
        """The names of messages by their numbers and the keys of their reasons, for those that no earlier version has
        named."""
        names = self._cipher.encryptor().update(b"".join([_block(*each) for each in messages])).hex()
        return [_uuid(names[at : at + 2 * _BLOCK]) for at in range(0, len(names), 2 * _BLOCK)]

    def number(self, name: UUID) -> int:
        """Which message may have this name: whether it has, `of` says."""
        return int.from_bytes(self._cipher.decryptor().update(name.bytes)[:_NUMBER])


def _block(id: int, reason: str) -> bytes:
    return id.to_bytes(_NUMBER) + hashlib.sha256(reason.encode()).digest()[: _BLOCK - _NUMBER]


def _uuid(name: str) -> str:
    """As a UUID is written."""
    return f"{name[:8]}-{name[8:12]}-{name[12:16]}-{name[16:20]}-{name[20:]}"


async def load(conn: Conn) -> Nonces:
    """The names of this installation's messages; the first call makes their secret."""
    row = await (await conn.execute(_LOAD)).fetchone()
    if row is None:
        await conn.execute(_ENSURE, [secrets.token_bytes(_KEY)])
        row = await (await conn.execute(_LOAD)).fetchone()
    assert row is not None
    return _known(bytes(row[0]))


@lru_cache(8)
def _known(key: bytes) -> Nonces:
    return Nonces(key)
