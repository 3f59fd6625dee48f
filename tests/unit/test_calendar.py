"""Waking hours, reminders and word of changed fairs: what is due when, by the clock of the place."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifications.rules.fair_news import change_notice, reminders, summary
from notifications.rules.quiet_hours import is_quiet, next_morning, waking
from schemas.messages import FAIR_CANCELLED, FAIR_RESCHEDULED

SHANGHAI, BERLIN = ZoneInfo("Asia/Shanghai"), ZoneInfo("Europe/Berlin")
moments = st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC))


def at(text: str, zone: ZoneInfo = SHANGHAI) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone)


def fair(starts: str = "2026-04-18T09:00", hours: int = 7, zone: ZoneInfo = SHANGHAI, **more: Any) -> dict[str, Any]:
    begins = at(starts, zone).astimezone(UTC)
    known = {"fair": "f1", "venue": "Gym", "city": "Wuhan", "mode": "onsite", "url": None, "cancelled": False}
    return {**known, "reason": None, "starts_at": begins, "ends_at": begins + timedelta(hours=hours), **more}


@pytest.mark.parametrize(
    ("local", "quiet"), [("07:59", True), ("08:00", False), ("20:59", False), ("21:00", True), ("00:00", True)]
)
def test_night_lies_between_nine_and_eight(local: str, quiet: bool):
    assert is_quiet(at(f"2026-04-18T{local}"), SHANGHAI) is quiet


@pytest.mark.parametrize(
    ("due", "deadline", "said"),
    [
        ("2026-04-17T09:00", "2026-04-18T09:00", "2026-04-17T09:00"),  # by day: at its time
        ("2026-04-18T07:00", "2026-04-18T09:00", "2026-04-18T08:00"),  # too early: in the morning
        ("2026-04-18T05:00", "2026-04-18T07:00", "2026-04-17T20:00"),  # no morning before: the evening before
        ("2026-04-17T22:00", "2026-04-18T00:00", "2026-04-17T20:00"),  # late: that evening
    ],
)
def test_what_is_due_at_night_is_said_by_day(due: str, deadline: str, said: str):
    assert waking(at(due), at(deadline), SHANGHAI) == at(said)


@given(moments, st.integers(1, 24 * 60), st.sampled_from([SHANGHAI, BERLIN, ZoneInfo("America/New_York")]))
def test_nobody_is_woken_and_nothing_is_said_too_late(start: datetime, ahead: int, zone: ZoneInfo):
    said = waking(start - timedelta(minutes=ahead), start, zone)
    assert said < start
    assert not is_quiet(said, zone)


@given(moments, st.sampled_from([SHANGHAI, BERLIN]))
def test_the_morning_comes_within_a_day_and_its_hour(moment: datetime, zone: ZoneInfo):
    morning = next_morning(moment, zone)
    assert morning.astimezone(zone).strftime("%H:%M") == "08:00"
    assert timedelta(0) < morning - moment <= timedelta(hours=25)


def test_clocks_that_are_put_forward_change_no_hour_that_is_read():
    # In Berlin 2026-03-29 has 23 hours.
    start = at("2026-03-29T09:00", BERLIN)
    assert next_morning(at("2026-03-28T23:00", BERLIN), BERLIN) == at("2026-03-29T08:00", BERLIN)
    assert waking(start - timedelta(hours=2), start, BERLIN) == at("2026-03-29T08:00", BERLIN)


def due(
    when: str, sent: list[str] | None = None, zone: ZoneInfo = SHANGHAI, **more: Any
) -> tuple[str | None, list[str]]:
    notice, marks = reminders(fair(zone=zone, **more), zone, at(when, zone), sent or [])
    return (notice.params["notice"] if notice else None), [mark.partition("@")[0] for mark in marks]


def test_a_fair_is_reminded_of_a_day_and_two_hours_before():
    assert due("2026-04-17T08:59") == (None, [])
    assert due("2026-04-17T09:00") == ("24h", ["24h"])
    assert due("2026-04-18T07:59", ["24h@2026-04-18T01:00:00+00:00"]) == (None, ["24h"])
    assert due("2026-04-18T08:00", ["24h@2026-04-18T01:00:00+00:00"]) == ("2h", ["24h", "2h"])


def test_of_two_reminders_that_are_due_the_later_goes_alone():
    assert due("2026-04-18T08:30") == ("2h", ["24h", "2h"])


@pytest.mark.parametrize("when", ["2026-04-18T09:00", "2026-04-18T12:00"])
def test_never_after_the_start(when: str):
    assert due(when) == (None, [])


def test_a_cancelled_fair_is_not_reminded_of_and_a_moved_one_anew():
    assert due("2026-04-17T10:00", cancelled=True) == (None, [])
    assert due("2026-04-24T10:00", ["24h@2026-04-18T01:00:00+00:00"], starts="2026-04-25T09:00")[0] == "24h"


def test_word_is_spread_of_what_changed_and_only_then():
    told = summary(fair())
    assert change_notice(fair(), None, 0) is None
    assert change_notice(fair(), told, 0) is None
    assert change_notice(fair(capacity=500), told, 0) is None
    for changed in (fair("2026-04-19T09:00"), fair(venue="Hall"), fair(city="Quzhou"), fair(mode="online")):
        notice = change_notice(changed, told, 0)
        assert notice is not None
        assert (notice.kind, notice.params["before"]) == (FAIR_RESCHEDULED, told)


def test_a_fair_called_off_is_told_once_with_the_reason_and_so_is_one_that_is_on_again():
    told, off = summary(fair()), fair(cancelled=True, reason="storm")
    notice = change_notice(off, told, 0)
    assert notice is not None
    assert (notice.kind, notice.params["reason"]) == (FAIR_CANCELLED, "storm")
    assert change_notice(fair("2026-05-01T09:00", cancelled=True), summary(off), 0) is None
    again = change_notice(fair(), summary(off), 0)
    assert again is not None
    assert again.kind == FAIR_RESCHEDULED
