"""The day to which a journey counts is that of the campaign's time zone, whatever the moment and the zone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

from hypothesis import given
from hypothesis import strategies as st

from schemas.journey import Journey
from streams.domain.campaign import make_target
from streams.domain.measures import contribution, milestones
from tests.facts import target

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SIGNUPS = make_target("grads-2026", target("signups", "signed_up")["data"])


@given(
    st.sampled_from(sorted(available_timezones())),
    st.datetimes(datetime(1900, 1, 2), datetime(2300, 1, 1), timezones=st.just(UTC)),
)
def test_the_day_in_the_world(zone: str, moment: datetime):
    at = (moment - EPOCH) // timedelta(microseconds=1)
    journey = Journey(first_signup=at)
    found = contribution(journey, milestones(journey), SIGNUPS, ZoneInfo(zone))
    assert list(found) == [moment.astimezone(ZoneInfo(zone)).date()]
