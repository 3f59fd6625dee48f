"""Passwords: what they must be like, and Argon2, which makes guessing from a stolen table dear."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from schemas.errors import Unavailable

SHORTEST: Final = 10
LONGEST: Final = 200
_AT_ONCE: Final = 2  # each takes 64 MiB
_MOST_WAIT: Final = 50
_HASHER: Final = PasswordHasher()
# What a password is compared with where there is no account: it must take as long.
_NOBODYS: Final = "$argon2id$v=19$m=65536,t=3,p=4$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"


class Passwords:
    """Hashes and compares, a few at a time and off the event loop. Raises Unavailable when too many wait."""

    def __init__(self) -> None:
        self._turn = asyncio.Semaphore(_AT_ONCE)
        self._here = 0  # those whose turn it is, and those that wait

    async def hashed(self, password: str) -> str:
        async with self._a_turn():
            return await asyncio.to_thread(_HASHER.hash, _bytes(password))

    async def is_right(self, password: str, stored: str | None) -> bool:
        """Whether this is the password of an account. Takes as long where there is none."""
        async with self._a_turn():
            same = await asyncio.to_thread(_matches, stored or _NOBODYS, _bytes(password))
        return same and stored is not None

    @asynccontextmanager
    async def _a_turn(self) -> AsyncIterator[None]:
        if self._here >= _AT_ONCE + _MOST_WAIT:
            raise Unavailable("too many passwords wait to be compared")
        self._here += 1
        try:
            async with self._turn:
                yield
        finally:
            self._here -= 1


def fault(password: str, *, email: str) -> str | None:
    """What is wrong with a password that somebody chooses, as the key of a text; None where it is good."""
    if len(password) < SHORTEST:
        return "password.short"
    if len(password) > LONGEST:
        return "password.long"
    lowered = password.lower()
    if lowered in _commonest() or _plain(lowered) in _commonest() or len(set(lowered)) < 4:
        return "password.common"
    name = email.lower().partition("@")[0]
    return "password.own_name" if lowered in (email.lower(), name) else None


def _plain(password: str) -> str:
    """Without the figures and signs that people put behind a common word."""
    return password.rstrip("0123456789!@#$%^&*.?_-")


@cache
def _commonest() -> frozenset[str]:
    """The 30,000 passwords that leaks show most often, loaded when somebody chooses one."""
    from zxcvbn.frequency_lists import FREQUENCY_LISTS  # noqa: PLC0415

    return frozenset(FREQUENCY_LISTS["passwords"])


def _matches(stored: str, password: bytes) -> bool:
    try:
        return _HASHER.verify(stored, password)
    except (VerificationError, InvalidHashError):
        return False


def _bytes(password: str) -> bytes:
    return password[: LONGEST + 1].encode("utf-8", "surrogatepass")
