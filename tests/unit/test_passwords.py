"""Passwords that wait for their turn."""

from __future__ import annotations

import asyncio

import pytest

from dashboard.access.passwords import Passwords
from schemas.errors import Unavailable


async def test_who_comes_when_too_many_wait_is_told_so():
    passwords = Passwords()
    waiting = [asyncio.create_task(passwords.is_right("x", None)) for _ in range(52)]
    await asyncio.sleep(0)
    with pytest.raises(Unavailable):
        await passwords.hashed("x")
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    assert await passwords.is_right("x", await passwords.hashed("x"))
