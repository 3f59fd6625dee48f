"""When a channel rests, for how long, and what is risked to see whether it works again."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifications.channels.port import SENT, STOPPED, TAKEN, Outcome
from notifications.sending.breaker import FIRST_REST, LONGEST_REST, MOST_IN_DOUBT, Breaker

START = datetime(2026, 3, 1, tzinfo=UTC)
REFUSED_US = Outcome("requested", "401", pauses_channel=True)
UNKNOWN = Outcome("unknown", "500")
REFUSED = Outcome("failed", "400")
SIZE = 16


class World:
    """A breaker and its clock."""

    def __init__(self) -> None:
        self.now = START
        self.breaker = Breaker("test", lambda: self.now, lambda: 1.0)

    def tries(self, outcome: Callable[[], Outcome]) -> list[Outcome]:
        """Send one portion, as the sender would, and note what became of it."""
        outcomes = [outcome() for _ in range(self.breaker.portion(SIZE))]
        self.breaker.note(outcomes)
        return outcomes

    def wait(self) -> float:
        """Until it has rested; returns the seconds."""
        waited = 0.0
        while self.breaker.rests():
            self.now += timedelta(seconds=0.5)
            waited += 0.5
        return waited


@pytest.fixture
def world() -> World:
    return World()


def test_rests_grow_to_a_limit_and_success_forgets_them(world: World):
    rests = []
    for _ in range(8):
        world.breaker.note([REFUSED_US])
        rests.append(world.wait())
    assert rests[:3] == [FIRST_REST, 2 * FIRST_REST, 4 * FIRST_REST]
    assert rests[-1] == LONGEST_REST
    world.breaker.note([SENT])
    assert (world.breaker.rests(), world.breaker.portion(SIZE)) == (False, SIZE)
    world.breaker.note([REFUSED_US])
    assert world.wait() == FIRST_REST


def test_it_rests_until_the_provider_says_where_that_is_later(world: World):
    world.breaker.note([Outcome("requested", "429", START + timedelta(hours=1), pauses_channel=True)])
    assert world.wait() == 3600


@pytest.mark.parametrize("untried", [TAKEN, STOPPED])
def test_a_mail_that_was_not_tried_says_nothing_of_the_channel(world: World, untried: Outcome):
    world.breaker.note([REFUSED_US])
    until = world.breaker.rests_until
    world.breaker.note([untried])
    assert (world.breaker.in_order, world.breaker.rests_until) == (False, until)
    for _ in range(MOST_IN_DOUBT):
        world.breaker.note([UNKNOWN, untried])
    assert world.breaker.rests()


@pytest.mark.parametrize("late", [REFUSED_US, SENT, UNKNOWN], ids=["refused as well", "sent", "in doubt"])
def test_what_was_under_way_as_it_came_to_rest_makes_that_neither_longer_nor_over(world: World, late: Outcome):
    """Lanes and routes send side by side: a failure that all of them meet is one."""
    began = world.now
    world.now += timedelta(seconds=1)
    world.breaker.note([REFUSED_US], since=began)
    until = world.breaker.rests_until
    world.breaker.note([late], since=began)
    assert (world.breaker.rests_until, world.breaker.failures, world.breaker.portion(SIZE)) == (until, 1, 1)
    world.wait()
    world.breaker.note([SENT], since=world.now)
    assert world.breaker.in_order


def test_what_was_under_way_may_bring_a_later_word_of_when_to_try_again(world: World):
    began = world.now
    world.now += timedelta(seconds=1)
    world.breaker.note([REFUSED_US], since=began)
    named = world.now + timedelta(minutes=5)
    world.breaker.note([Outcome("requested", "429", named, pauses_channel=True)], since=began)
    assert (world.breaker.rests_until, world.breaker.failures) == (named, 1)


def test_a_provider_that_fails_for_an_hour_puts_few_messages_in_doubt(world: World):
    doubtful = 0
    while world.now < START + timedelta(hours=1):
        doubtful += len(world.tries(lambda: UNKNOWN))
        world.wait()
    assert doubtful <= SIZE + 3600 / LONGEST_REST + 10


def test_doubts_that_come_one_at_a_time_are_counted_too(world: World):
    for _ in range(MOST_IN_DOUBT):
        assert not world.breaker.rests()
        world.breaker.note([UNKNOWN])
    assert world.breaker.rests()


@pytest.mark.parametrize("good", [SENT, REFUSED], ids=lambda outcome: outcome.status)
def test_a_few_doubts_among_good_answers_are_no_reason_to_rest(world: World, good: Outcome):
    for _ in range(10):
        world.breaker.note([UNKNOWN] * (MOST_IN_DOUBT - 1) + [good])
        assert not world.breaker.rests()


def test_after_a_refused_key_one_message_alone_is_put_in_doubt_at_a_time(world: World):
    world.breaker.note([REFUSED_US])
    world.wait()
    assert len(world.tries(lambda: UNKNOWN)) == 1
    assert world.breaker.rests()


@given(st.lists(st.sampled_from([SENT, REFUSED, UNKNOWN, REFUSED_US]), max_size=60))
def test_whatever_happened_one_good_answer_brings_it_back(history: list[Outcome]):
    world = World()
    for outcome in history:
        world.breaker.note([outcome])
    world.wait()
    world.breaker.note([SENT])
    assert (world.breaker.rests(), world.breaker.portion(SIZE)) == (False, SIZE)
