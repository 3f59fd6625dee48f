"""So many mails a second in all, so many to one domain."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifications.sending.pacing import BURST, Pace, domain_of

START = datetime(2026, 3, 1, tzinfo=UTC)
STEPS = st.lists(st.tuples(st.floats(0, 5), st.integers(0, 50)), max_size=60)


class Clock:
    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now


@given(steps=STEPS, rate=st.floats(0.1, 100))
def test_no_more_go_than_the_rate_allows(steps: list[tuple[float, int]], rate: float):
    clock, gone, passed = Clock(), 0, 0.0
    pace = Pace(rate, None, clock)
    for seconds, wanted in steps:
        clock.now += timedelta(seconds=seconds)
        passed += seconds
        room = pace.room(wanted)
        assert 0 <= room <= wanted
        gone += room
        assert gone <= max(1.0, rate * BURST) + rate * passed + 1e-3


@given(steps=STEPS, rate=st.floats(0.1, 100))
def test_no_more_go_to_one_domain_than_its_share_and_others_are_not_kept(steps: list[tuple[float, int]], rate: float):
    clock, gone, passed = Clock(), 0, 0.0
    pace = Pace(None, rate, clock)
    for turn, (seconds, wanted) in enumerate(steps):
        clock.now += timedelta(seconds=seconds)
        passed += seconds
        gone += sum(pace.admits(f"c{n}@QQ.com") for n in range(wanted))
        assert gone <= max(1.0, rate * BURST) + rate * passed + 1e-3
        assert pace.admits(f"c@other{turn}.cn")


def test_what_waits_gets_its_turn():
    clock = Clock()
    pace = Pace(None, 2, clock)
    assert sum(pace.admits("a@qq.com") for _ in range(100)) == 20
    assert pace.full() == ["qq.com"]
    clock.now += timedelta(seconds=4)
    assert pace.full() == ["qq.com"]
    clock.now += timedelta(seconds=1)
    assert pace.full() == []
    assert sum(pace.admits("a@qq.com") for _ in range(100)) == 10


def test_what_did_not_go_is_given_back():
    pace = Pace(1, None, Clock())
    assert pace.room(10) == 10
    pace.give_back(4)
    assert pace.room(10) == 4


def test_without_a_rate_all_go():
    pace = Pace(None, None, Clock())
    assert (pace.room(10**6), pace.admits("a@qq.com"), pace.full()) == (10**6, True, [])


def test_domains_that_had_nothing_for_long_are_forgotten(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("notifications.sending.pacing.MOST_DOMAINS", 10)
    clock = Clock()
    pace = Pace(None, 1, clock)
    for n in range(1000):
        assert pace.admits(f"a@d{n}.cn")
        clock.now += timedelta(seconds=2)
    assert len(pace._domains) <= 11


def test_the_domain_of_an_address():
    assert domain_of("Li@QQ.com") == "qq.com"
