"""The morning's mail to HR: when it goes, what it says, which targets are at risk."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from notifications.rules.digest import Morning, at_risk, digest, morning

SHANGHAI = ZoneInfo("Asia/Shanghai")
CAMPAIGN = {"campaign": "g", "starts_on": date(2026, 1, 1), "ends_on": date(2026, 12, 31), "closed": False}
AT = Morning("g", date(2026, 7, 2))  # half of the year is gone


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


def target(progress: int, **more: Any) -> dict[str, Any]:
    known = {"target": "t", "title": "2000", "goal": Decimal(2000), "due_on": date(2026, 12, 31)}
    return {**known, "progress": Decimal(progress), **more}


@pytest.mark.parametrize(
    ("when", "goes"),
    [
        ("2026-07-02T08:29", False),
        ("2026-07-02T08:30", True),
        ("2026-07-02T11:59", True),
        ("2026-07-02T12:00", False),
        ("2025-12-31T09:00", False),
        ("2027-01-01T09:00", False),
    ],
)
def test_it_goes_in_the_morning_while_the_campaign_runs(when: str, goes: bool):
    assert (morning(CAMPAIGN, SHANGHAI, at(when)) is not None) is goes


def test_a_closed_campaign_has_none():
    assert morning({**CAMPAIGN, "closed": True}, SHANGHAI, at("2026-07-02T09:00")) is None


def test_it_is_asked_for_once_a_day():
    keys = {morning(CAMPAIGN, SHANGHAI, at(f"2026-07-0{day}T{hour}:00")) for day in (2, 3) for hour in ("09", "10")}
    assert len({found.digest_key for found in keys if found}) == 2


def test_it_tells_what_yesterday_brought():
    request = digest(AT, targets=[target(500)], gained={"t": Decimal(12)}, fairs=[], trouble={"unknown": 1})
    [told] = request.params["targets"]
    assert (told["progress"], told["gained"], told["percent"]) == (500, 12, 25)
    assert request.params["trouble"] == {"unknown": 1}


@pytest.mark.parametrize(
    ("progress", "risky"),
    [(0, True), (700, True), (790, True), (800, False), (1000, False), (2000, False)],
)
def test_far_behind_an_even_pace_is_at_risk(progress: int, risky: bool):
    # An even pace brings 997 of 2000 by 1 July; four fifths of that are 797.
    assert bool(at_risk(AT, date(2026, 1, 1), [target(progress)])) is risky


def test_neither_at_the_very_start_nor_after_the_end():
    early, late = Morning("g", date(2026, 1, 20)), Morning("g", date(2027, 1, 2))
    assert not at_risk(early, date(2026, 1, 1), [target(0)])
    assert not at_risk(late, date(2026, 1, 1), [target(0)])


def test_it_is_said_once_a_week():
    days = [Morning("g", date(2026, 7, day)) for day in range(6, 20)]  # two weeks, from a Monday
    assert len({at_risk(day, date(2026, 1, 1), [target(1)])[0].dedupe_key for day in days}) == 2
