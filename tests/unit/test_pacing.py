"""So many mails a second in all, so many to one domain: how much is drawn of a bucket that senders share."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from notifications.sending.pacing import BURST, domain_of, draw, filled, size
from storage.messages.rates import Level

STEPS = st.lists(st.tuples(st.floats(0, 5), st.integers(0, 50)), max_size=60)


@given(steps=STEPS, rate=st.floats(0.1, 100), waits=st.booleans())
def test_no_more_go_than_the_rate_allows(steps: list[tuple[float, int]], rate: float, waits: bool):
    level, gone, passed = Level(size(rate)), 0, 0.0
    for seconds, wanted in steps:
        passed += seconds
        level, given = draw(replace(level, seconds=seconds), wanted, rate, waits=waits)
        assert 0 <= given <= wanted
        gone += given
        assert gone <= max(1.0, rate * BURST) + rate * passed + 1e-3


def test_what_waits_gets_its_turn():
    level, given = draw(Level(size(2)), 100, 2, waits=True)
    assert (given, level.drained) == (20, True)
    assert draw(replace(level, seconds=4), 100, 2, waits=True)[1] == 0
    assert not filled(replace(level, seconds=5), 2).drained
    assert draw(replace(level, seconds=5), 100, 2, waits=True)[1] == 10


def test_of_all_mail_each_goes_as_soon_as_there_is_a_token():
    level, given = draw(Level(size(2)), 100, 2, waits=False)
    assert (given, level.drained) == (20, False)
    assert draw(replace(level, seconds=0.5), 100, 2, waits=False)[1] == 1


def test_a_clock_that_goes_back_gives_nothing():
    assert filled(Level(3, seconds=-5), 1).tokens == 3


def test_the_domain_of_an_address():
    assert domain_of("Li@QQ.com") == "qq.com"
