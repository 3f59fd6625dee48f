"""What goes with mails about fairs: calendar files that calendars take over and update, and codes that can be read."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import zxingcpp
from hypothesis import given, settings
from hypothesis import strategies as st
from icalendar import Calendar
from PIL import Image

from notifications.sending import qr
from notifications.sending.calendar_file import FairEvent, calendar_file
from notifications.sending.signed_links import PATHS, Links
from schemas.kinds import BY_NAME, KINDS, MARKETING
from storage.messages.background import Background
from tests.unit.test_rendering import fair, letter

FAIR = FairEvent(
    uid="u-1",
    sequence=0,
    title="武汉理工大学春季双选会",
    starts_at=datetime(2026, 3, 14, 1, tzinfo=UTC),
    ends_at=datetime(2026, 3, 14, 8, 30, tzinfo=UTC),
    zone="Asia/Shanghai",
    place="武汉 东院体育馆",
    url=None,
    description="2026 届毕业生，产业园\n线下",
    cancelled=False,
)
NOW = datetime(2026, 3, 1, 4, tzinfo=UTC)


def read(made: bytes) -> tuple[Any, Any]:
    calendar = Calendar.from_ical(made)
    [event] = calendar.events
    return calendar, event


def test_a_calendar_opens_it():
    made = calendar_file(FAIR, NOW)
    calendar, event = read(made)
    assert (calendar["method"], event["status"], event["summary"]) == ("PUBLISH", "CONFIRMED", FAIR.title)
    assert (event.start, event.end) == (FAIR.starts_at, FAIR.ends_at)
    assert str(event.start.tzinfo) == "Asia/Shanghai"
    assert event["location"] == "武汉 东院体育馆"
    assert event["description"] == FAIR.description
    [alarm] = event.walk("VALARM")
    assert alarm["trigger"].dt == timedelta(hours=-2)
    assert all(len(line) <= 75 for line in made.split(b"\r\n"))  # RFC 5545, 3.1
    assert b"BEGIN:VTIMEZONE" in made


@pytest.mark.parametrize(
    ("changes", "method", "status"),
    [({"title": "moved", "sequence": 1}, "PUBLISH", "CONFIRMED"), ({"cancelled": True}, "CANCEL", "CANCELLED")],
)
def test_a_later_word_on_a_fair_replaces_the_earlier(changes: dict[str, Any], method: str, status: str):
    _, before = read(calendar_file(FAIR, NOW))
    calendar, after = read(calendar_file(replace(FAIR, **changes), NOW))
    assert before["uid"] == after["uid"]
    assert (calendar["method"], after["status"]) == (method, status)


@given(
    st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1)),
    st.sampled_from(["Asia/Shanghai", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "UTC"]),
)
@settings(max_examples=60, deadline=None)
def test_the_hour_is_right_in_every_zone_also_when_clocks_are_changed(start: datetime, zone: str):
    starts = start.replace(tzinfo=UTC, microsecond=0)
    _, event = read(calendar_file(replace(FAIR, starts_at=starts, ends_at=starts + timedelta(hours=7), zone=zone), NOW))
    assert (event.start.astimezone(UTC), event.end.astimezone(UTC)) == (starts, starts + timedelta(hours=7))
    assert event.start.astimezone(ZoneInfo(zone)).utcoffset() == starts.astimezone(ZoneInfo(zone)).utcoffset()


@given(st.uuids().map(str), st.sampled_from(["https://park.example", "http://127.0.0.1:8000", "https://a.b/深"]))
@settings(max_examples=40, deadline=None)
def test_a_telephone_reads_the_code(message: str, base: str):
    url = Links(b"0" * 32, base).url("ticket", message)
    image = Image.open(BytesIO(qr.png(url)))
    assert [found.text for found in zxingcpp.read_barcodes(image, formats=zxingcpp.BarcodeFormat.QRCode)] == [url]
    assert min(image.size) >= 200


@given(st.uuids().map(str), st.sampled_from(sorted(PATHS)))
def test_a_link_opens_what_it_was_made_for_and_nothing_else(message: str, purpose: Any):
    links, others = Links(b"0" * 32, "https://a.example"), Links(b"1" * 32, "https://a.example")
    token = links.token(purpose, message)
    assert links.read(purpose, token) == message
    for reader, other in [(links, each) for each in PATHS if each != purpose] + [(others, purpose)]:
        with pytest.raises(Exception, match="not whole"):
            reader.read(other, token)


@pytest.mark.parametrize("locale", ["zh-CN", "en"])
@pytest.mark.parametrize("kind", [kind.name for kind in KINDS if kind.ticket or kind.calendar])
def test_what_each_kind_carries_is_in_the_mail_and_shown(kind: str, locale: str):
    made, carries = letter(kind, locale), BY_NAME[kind]
    names = [each.name for each in made.attachments]
    assert names == ["ticket.png"] * (carries.ticket == "image") + ["fair.ics"] * carries.calendar
    assert all(name.isascii() for name in names)
    assert (made.values["ticket"] is not None) is (carries.ticket is not None)
    assert (made.values["calendar"] is not None) is carries.calendar


def test_those_who_are_told_the_same_of_a_fair_get_the_same_file():
    first, second = (letter("fair_rescheduled", name=name).attachments for name in ("李思雨", "Li"))
    assert first == second


def test_marketing_alone_has_a_way_out():
    for kind in ("offer", "signup_confirmation", *MARKETING):
        made = letter(kind)
        assert (made.unsubscribe is not None) is (kind in MARKETING)
        assert made.values.get("unsubscribe") == made.unsubscribe


@pytest.mark.parametrize("changes", [{"mode": "online"}, {"cancelled": True}])
def test_where_nobody_is_let_in_there_is_no_ticket(changes: dict[str, Any]):
    background = Background({}, {("grads-2026", "f1"): fair(**changes)})
    made = letter("signup_confirmation", about=background)
    assert made.values["ticket"] is None
    assert "ticket.png" not in [each.name for each in made.attachments]
