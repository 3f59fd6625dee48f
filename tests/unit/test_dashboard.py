"""The dashboard's pure parts: pace, burn-up, formats, languages, where a login leads, server-sent events."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.access.signing_in import local
from dashboard.charts import HEIGHT, WIDTH, burn_up
from dashboard.following import StreamEvent, parse
from dashboard.formats import Formats
from dashboard.languages import LANGS, accepted, weighed
from dashboard.pace import standing
from dashboard.terminal import line
from schemas.catalogue import CATALOGUE, in_order
from schemas.pace import even_pace
from schemas.texts import texts_of
from yinfeng.web.problems import prefers_html

START, DUE = date(2026, 1, 1), date(2026, 12, 31)


@pytest.mark.parametrize(
    ("progress", "today", "word"),
    [
        (100, START, "reached"),
        (0, date(2025, 12, 1), None),
        (50, date(2026, 7, 2), "on_pace"),
        (45, date(2026, 7, 2), "behind"),
        (46, date(2026, 7, 2), "on_pace"),
        (56, date(2026, 7, 2), "ahead"),
        (99, DUE, "on_pace"),
        (99, date(2027, 1, 1), "missed"),
        (120, date(2027, 1, 1), "reached"),
    ],
)
def test_a_target_is_compared_with_an_even_pace(progress: int, today: date, word: str | None):
    assert standing({"goal": 100, "progress": progress, "due_on": DUE, "counting": False}, START, today).word == word


def test_without_a_start_there_is_no_pace():
    found = standing({"goal": 4, "progress": 1, "due_on": DUE, "counting": False}, None, DUE)
    assert (found.percent, found.share, found.days_left, found.expected, found.word) == (25, 25, 0, None, None)
    assert even_pace(10, DUE, START, START) is None


def test_the_bar_never_leaves_its_box():
    assert standing({"goal": 10, "progress": -5, "due_on": DUE, "counting": False}, START, START).share == 0
    assert standing({"goal": 10, "progress": 25, "due_on": DUE, "counting": False}, START, START).share == 100


_DAYS = st.lists(
    st.tuples(st.integers(-400, 800).map(lambda n: START + timedelta(n)), st.decimals(-500, 500, places=2)),
    max_size=30,
    unique_by=lambda pair: pair[0],
).map(sorted)


@given(_DAYS, st.integers(1, 5000), st.none() | st.just(START), st.integers(-500, 900))
def test_a_burn_up_stays_between_its_ends(days: Any, goal: int, starts_on: date | None, today: int):
    chart = burn_up(days, goal=goal, starts_on=starts_on, due_on=DUE, today=START + timedelta(today))
    points = [tuple(map(float, point.split(","))) for point in chart.line.split()]
    assert all(0 <= x <= WIDTH for x, _ in points)
    assert [x for x, _ in points] == sorted(x for x, _ in points)
    assert all(y >= 0 for _, y in points)
    assert 0 <= chart.goal_y <= HEIGHT
    assert chart.first <= chart.last


def test_a_burn_up_adds_up_day_by_day():
    days = [(date(2026, 1, 11), Decimal(5)), (date(2026, 1, 21), Decimal(5))]
    chart = burn_up(days, goal=10, starts_on=date(2026, 1, 1), due_on=date(2026, 1, 21), today=date(2026, 1, 21))
    heights = [float(point.split(",")[1]) for point in chart.line.split()]
    assert heights[0] == HEIGHT
    assert heights[-1] == chart.goal_y == float(chart.pace.split()[-1].split(",")[1])
    assert heights[2] == pytest.approx((HEIGHT + chart.goal_y) / 2, abs=0.1)


@pytest.mark.parametrize(
    ("value", "english", "chinese"),
    [
        (0, "¥0", "0元"),
        (9999.5, "¥9,999.5", "9,999.5元"),
        (31_500_000, "¥31.5 million", "3150万元"),
        (12_345, "¥12,345", "1.23万元"),
        (2_000_000_000, "¥2 billion", "20亿元"),
        (-31_500_000, "-¥31.5 million", "-3150万元"),
        (300_000_000, "¥300 million", "3亿元"),
    ],
)
def test_money_is_short(value: float, english: str, chinese: str):
    assert (Formats("en").money(value), Formats("zh-CN").money(value)) == (english, chinese)


def test_numbers_and_dates():
    english, chinese = Formats("en"), Formats("zh-CN")
    assert [english.number(n) for n in (2000, 100, 0, 1.5, Decimal("0.10"))] == ["2,000", "100", "0", "1.5", "0.1"]
    assert (english.percent(99.99), chinese.percent(100)) == ("99%", "100%")
    assert (english.day(DUE), chinese.day(DUE)) == ("31 Dec 2026", "2026年12月31日")
    assert (english.short_day(DUE), chinese.short_day(DUE)) == ("31 Dec", "12月31日")
    moment = datetime(2026, 3, 8, 23, 30, tzinfo=UTC)
    assert english.moment(moment, "Asia/Shanghai") == "9 Mar 2026 07:30"
    assert (english.quantity(10**6, "paid"), english.quantity(10**6, "hired")) == ("¥1 million", "1,000,000")


@pytest.mark.parametrize("type", CATALOGUE)
def test_what_a_fact_dates_is_said_as_people_say_it(type: str):
    """No page shows a day or a moment as machines write it."""
    shapes = CATALOGUE[type].data.model_json_schema()["properties"]
    for key, shape in shapes.items():
        format = next((each["format"] for each in [shape, *shape.get("anyOf", [])] if "format" in each), "")
        value = {"date": "2026-12-31", "date-time": "2026-12-31t09:30:00+08:00"}.get(format, "Engineer")
        expected = {"date": "31 Dec 2026", "date-time": "31 Dec 2026 09:30"}.get(format)
        assert Formats("en").dated(key, value, "Asia/Shanghai") == expected, key


def test_what_a_fact_says_stands_in_the_catalogues_order():
    said = {"school": "WHUT", "comexample": 1, "email": "li@example.com", "fair": "f1", "name": "李雷"}
    assert list(in_order(said)) == ["name", "fair", "email", "school", "comexample"]


@pytest.mark.parametrize(
    ("header", "lang"),
    [
        ("", "en"),
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh-CN"),
        ("en;q=0.5, zh-Hans;q=0.7", "zh-CN"),
        ("zh;q=0, en", "en"),
        ("fr, de", "en"),
        ("fr, zh", "zh-CN"),
        ("zh;q=x", "en"),
    ],
)
def test_the_reader_s_language(header: str, lang: str):
    assert accepted(header) == lang


@given(st.text(max_size=200))
def test_any_header_can_be_weighed(header: str):
    weighed(header)
    prefers_html(header)
    assert accepted(header) in LANGS


@pytest.mark.parametrize(
    ("accept", "html"),
    [
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", True),
        ("*/*", False),
        ("", False),
        ("application/json, text/html;q=0.9", False),
        ("text/event-stream", False),
        ("text/html;q=0", False),
    ],
)
def test_who_gets_a_page_for_an_error(accept: str, html: bool):
    assert prefers_html(accept) is html


@pytest.mark.parametrize("path", ["/", "/campaigns/a?x=1", "/wall", "/%2F%2Fevil.example"])
def test_a_login_leads_back(path: str):
    assert local(path) == path


@pytest.mark.parametrize(
    "path",
    [
        None,
        "",
        "//evil.example",
        "https://evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "/a\r\nSet-Cookie: x",
        "/\t/evil.example",
        "javascript:alert(1)",
        "/" + "a" * 3000,
    ],
)
def test_a_login_leads_nowhere_else(path: str | None):
    assert local(path) == "/"


def test_server_sent_events_are_read_from_their_lines():
    lines = [
        "retry: 1",
        "",
        ": still here",
        "",
        "id: 7",
        "event: progress",
        "data: {",
        "data: }",
        "",
        "data:x",
        "",
        "id: 8",
    ]
    assert list(parse(lines)) == [StreamEvent("progress", "{\n}", "7"), StreamEvent("message", "x", None)]


def test_a_line_of_the_terminal_can_t_be_forged():
    entry = {
        "campaign": "c",
        "target": "t",
        "title": "a\x1b[31m\nb",
        "measure": "hired",
        "goal": 2000,
        "progress": 1287,
        "due_on": "2026-12-31",
    }
    assert line(entry) == "c/t 1,287 of 2,000 (64%), due 2026-12-31: a�[31m�b"


def test_every_fact_about_a_candidate_can_be_told():
    texts = texts_of("dashboard")
    for name, kind in CATALOGUE.items():
        if "candidate" in kind.data.model_fields:
            assert f"fact.{name}" in texts
            for field in kind.data.model_fields.keys() - {"campaign", "candidate"}:
                assert f"key.{field}" in texts, (name, field)
