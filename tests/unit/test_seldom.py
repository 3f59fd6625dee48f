"""What takes long is read seldom, and nobody waits for it but the first."""

from __future__ import annotations

import asyncio

import pytest

from schemas.errors import DatabaseUnavailable
from yinfeng.web.seldom import SHARE, Seldom


class Source:
    """Says how often it was asked; each reading takes so many seconds of a clock that is moved by hand."""

    def __init__(self, takes: float) -> None:
        self.now, self.takes, self.asked, self.failing = 0.0, takes, 0, False

    async def __call__(self) -> int:
        self.asked += 1
        await asyncio.sleep(0)
        self.now += self.takes
        if self.failing:
            raise DatabaseUnavailable("away")
        return self.asked


def seldom(source: Source) -> Seldom[int]:
    return Seldom(source, clock=lambda: source.now)


async def test_what_is_quick_is_read_each_time():
    asked = seldom(Source(0.001))
    assert [await asked() for _ in range(3)] == [1, 2, 3]


async def test_what_takes_long_is_given_as_it_was_and_read_anew_beside():
    source = Source(1.0)
    asked = seldom(source)
    assert [await asked() for _ in range(3)] == [1, 1, 1]
    source.now += 1 / SHARE
    assert await asked() == 1
    await asyncio.sleep(0.01)
    assert [await asked(), source.asked] == [2, 2]


async def test_those_who_come_first_wait_for_one_reading():
    source = Source(1.0)
    asked = seldom(source)
    assert await asyncio.gather(*(asked() for _ in range(5))) == [1] * 5


async def test_who_waits_hears_why_it_failed_and_the_next_look_is_another_try():
    source = Source(1.0)
    asked, source.failing = seldom(source), True
    with pytest.raises(DatabaseUnavailable):
        await asked()
    source.failing = False
    assert await asked() == 2
    source.failing, source.now = True, source.now + 100
    assert await asked() == 2
    await asyncio.sleep(0.01)
    assert await asked() == 2
