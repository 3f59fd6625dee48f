"""The poster: one sheet, whose code leads to the fair's page."""

from __future__ import annotations

from datetime import UTC, datetime
from io import BytesIO

import pytest
import zxingcpp
from PIL import Image

from dashboard.signup import poster
from dashboard.signup.poster import Paper
from schemas.texts import texts_of
from storage.campaigns.signup import Signup

URL = "https://park.example/fairs/grads-2026/whut-spring"
HOSTILE = '#set page(width: 1cm) "] <b> \\ {{ 7 * 7 }} 李'


def said(title: str = "武汉理工大学春季双选会", paper: Paper = "a4", lang: str = "zh-CN") -> dict[str, str]:
    campaign = {
        "title": "2026届毕业生",
        "organizer": "产业园",
        "timezone": "Asia/Shanghai",
    }
    fair = {
        "title": title,
        "mode": "onsite",
        "city": "武汉",
        "venue": "体育馆",
        "starts_at": datetime(2026, 3, 14, 1, tzinfo=UTC),
        "ends_at": datetime(2026, 3, 14, 8, 30, tzinfo=UTC),
    }
    return poster.values(Signup(campaign, fair), lang, paper, URL, texts_of("dashboard", "dashboard.signup"))


@pytest.mark.parametrize("title", ["武汉理工大学春季双选会", HOSTILE, "很长的名字" * 60])
def test_a_telephone_reads_the_code_whatever_the_fair_is_called(title: str):
    image = Image.open(BytesIO(poster.draw(said(title), "png")))
    assert [code.text for code in zxingcpp.read_barcodes(image)] == [URL]
    assert image.height > image.width


def test_it_says_when_and_where_in_both_languages():
    assert (said()["when"], said()["where"]) == ("2026年3月14日 09:00–16:30", "武汉 · 体育馆")
    assert (said(lang="en")["when"], said(lang="en")["call"]) == ("14 Mar 2026 09:00–16:30", "Scan, sign up, come")


@pytest.mark.parametrize("paper", ["a3", "a4"])
def test_it_is_one_sheet(paper: Paper):
    drawn = poster.draw(said(paper=paper), "pdf")
    assert drawn.startswith(b"%PDF-")
    assert b"/Count 1" in drawn
