"""A message's life: what providers tell in any order ends in one place, and what HR may do about it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifications.channels.afterwards import ProviderEvent
from notifications.channels.provider_events import moves_of
from notifications.rules.statuses import RANKS, STEPS, TOLD, ProviderWord, after, may, when_in_doubt
from schemas.kinds import BY_NAME, KINDS
from schemas.messages import Status
from storage.messages.statuses import MessageState
from tests.names import FINAL

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
STATUSES: tuple[Status, ...] = get_args(Status)
WORDS: tuple[ProviderWord, ...] = get_args(ProviderWord)
UNSETTLED = [status for status in STATUSES if RANKS[status] == 0]
a_story = st.lists(st.sampled_from(WORDS), max_size=8)


def told(word: ProviderWord, message: str = "1", at: datetime | None = NOON, reason: str = "says") -> ProviderEvent:
    return ProviderEvent("e", "f", "name", message, at, word, "a@example.com", None, reason)


def standing(
    status: Status, *, id: int = 1, resent_at: datetime | None = None, forgotten: bool = False
) -> MessageState:
    return MessageState(id, "offer", "grads-2026", "c1", status, 1, {}, forgotten, "a@example.com", resent_at)


def ends_at(status: Status, words: list[ProviderWord]) -> Status:
    for word in words:
        status = after(status, word) or status
    return status


def test_every_status_and_every_word_has_its_place():
    assert set(RANKS) == set(STATUSES)
    assert set(TOLD) == set(WORDS)
    assert set(STEPS["resend"]) | {"requested", "claimed"} == set(STATUSES)


@given(st.sampled_from(STATUSES), a_story, st.randoms(use_true_random=False))
def test_the_order_and_the_number_of_tellings_change_nothing(status: Status, words: list[ProviderWord], rng: object):
    shuffled = words + words[: len(words) // 2]
    rng.shuffle(shuffled)  # type: ignore[attr-defined]
    assert ends_at(status, shuffled) == ends_at(status, words)


@given(st.sampled_from(STATUSES), a_story)
def test_no_word_takes_a_message_back(status: Status, words: list[ProviderWord]):
    for word in words:
        before, status = status, after(status, word) or status
        assert RANKS[status] >= RANKS[before]
    assert RANKS[status] == max([RANKS[status], *(RANKS[TOLD[word]] for word in words)])


@given(st.sampled_from(UNSETTLED), st.lists(st.sampled_from(WORDS), min_size=1))
def test_one_word_settles_whatever_was_open(status: Status, words: list[ProviderWord]):
    assert ends_at(status, words) in FINAL


@pytest.mark.parametrize(
    ("status", "word", "then"),
    [
        ("unknown", "taken", "sent"),
        ("unknown", "delivered", "delivered"),
        ("claimed", "delivered", "delivered"),
        ("sent", "taken", None),
        ("sent", "bounced", "bounced"),
        ("delivered", "taken", None),
        ("delivered", "bounced", "bounced"),
        ("delivered", "complained", "complained"),
        ("bounced", "delivered", None),
        ("bounced", "taken", None),
        ("bounced", "dropped", None),
        ("dropped", "delivered", None),
        ("complained", "bounced", None),
        ("failed", "delivered", "delivered"),
        ("cancelled", "delivered", "delivered"),
        ("requested", "taken", "sent"),
    ],
)
def test_where_a_word_leads(status: Status, word: ProviderWord, then: Status | None):
    assert after(status, word) == then


@given(st.permutations(["taken", "delivered", "bounced", "complained"]), st.sampled_from(UNSETTLED))
def test_moves_are_noted_one_after_the_other_up_to_the_last(words: list[ProviderWord], status: Status):
    moves = moves_of([told(word) for word in words], {"1": standing(status)})
    ranks = [RANKS[move.status] for move in moves]
    assert ranks == sorted(set(ranks))
    assert moves[-1].status == "complained"


def test_words_about_nobody_of_ours_move_nothing():
    assert moves_of([told("delivered", message="2")], {"1": standing("sent")}) == []


def test_what_is_told_of_a_try_before_the_last_resend_is_past():
    resent = standing("requested", resent_at=NOON)
    early, late = told("bounced", at=NOON - timedelta(minutes=5)), told("delivered", at=NOON)
    assert moves_of([early], {"1": resent}) == []
    assert [move.status for move in moves_of([early, late], {"1": resent})] == ["delivered"]
    assert [move.status for move in moves_of([told("bounced", at=None)], {"1": resent})] == ["bounced"]


def test_of_a_forgotten_person_no_word_is_kept():
    [move] = moves_of([told("bounced", reason="550 li@example.com unknown")], {"1": standing("sent", forgotten=True)})
    assert (move.status, move.reason) == ("bounced", None)


@pytest.mark.parametrize("status", STATUSES)
def test_what_may_be_there_already_is_resent_by_force_alone(status: Status):
    maybe_there = {"unknown", "sent", "delivered", "complained"}
    on_its_way = {"requested", "claimed"}
    wanted = "forced" if status in maybe_there else "no" if status in on_its_way else "yes"
    assert may("resend", status) == wanted


@pytest.mark.parametrize("status", STATUSES)
def test_what_has_gone_can_not_be_cancelled(status: Status):
    gone = {"claimed", "sent", "delivered", "bounced", "dropped", "complained", "cancelled"}
    assert may("cancel", status) == ("no" if status in gone else "yes")


def test_doubts_end_as_the_table_says_and_nothing_is_resent_twice():
    assert (when_in_doubt("offer", 1), when_in_doubt("offer", 9)) == ("ask_hr", "ask_hr")
    assert [when_in_doubt("signup_confirmation", doubts) for doubts in (1, 2, 3)] == ["resend", "give_up", "give_up"]
    assert when_in_doubt("fair_reminder", 1) == "give_up"
    assert when_in_doubt("benefit_paid", 1) == "leave"
    assert len(BY_NAME) == len(KINDS)
