"""The console in a real browser: a new HR officer's first day on a running platform, and forms on small screens."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.access import COOKIE
from tests.browser import story
from tests.browser.conftest import Apply
from tests.facts import CAMPAIGN, opened, signed_up
from tests.platform import Platform, stop, whole

NAMES = ["李雷", "韩梅梅", "赵六"]


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[Platform]:
    """As it is where nobody has set anything up: it makes its master key itself."""
    started = whole(tmp_path / "home", YINFENG_MASTER_KEY_FILE="")
    assert (started.home / "master.key").exists()
    yield started
    stop(started)


@pytest.fixture
def hr(browser: Browser, platform: Platform) -> Iterator[BrowserContext]:
    """The browser of a person who is new here, without scripts: every form must do without."""
    context = browser.new_context(locale="en", java_script_enabled=False, viewport={"width": 390, "height": 800})
    context.set_default_timeout(60_000)
    yield context
    context.close()


@pytest.mark.slow
def test_a_new_hr_officer_gets_from_the_first_link_to_hires_that_count(hr: BrowserContext, platform: Platform):
    platform.until_said("/welcome/")
    found = re.search(r"http://\S+/welcome/\S+", platform.said())
    assert found, platform.said()
    page: Page = hr.new_page()
    story.begin(page, found[0])
    campaign = story.open_campaign(page)
    story.add_candidates(page, campaign, NAMES)
    story.offer_and_hire(page, campaign, NAMES)
    story.undo(page, campaign, NAMES[2])
    for path in ("/", "/accounts", "/accounts/me", "/accounts/audit"):
        for lang in ("en", "zh-CN"):
            page.goto(f"http://127.0.0.1:{platform.port}{path}?lang={lang}")
            expect(page.locator("h1")).to_have_count(1)
            box = page.locator("body").bounding_box()
            assert box is not None
            assert box["width"] <= 390, (path, lang)


def test_on_a_phone_two_who_may_be_one_person_stand_side_by_side(
    browser: Browser, address: str, make_session: Callable[..., str], apply: Apply
):
    """Each word below the one who said it, also where the other said nothing."""
    one = signed_up("a", name="王小明", email="xm@example.com", school="武汉理工大学材料科学与工程国际化示范学院")
    apply(opened(), one, signed_up("b", name="王小明", email="xm@example.com", phone="13800000000"))
    context = browser.new_context(locale="en", viewport={"width": 390, "height": 844})
    context.add_cookies([{"name": COOKIE, "value": make_session("organizer"), "url": address}])
    page = context.new_page()
    page.goto(f"{address}/campaigns/{CAMPAIGN}/duplicates")
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") == 0
    rows = page.locator("table tr").all()
    lefts = [[round(cell.bounding_box()["x"]) for cell in row.locator("th, td").all()] for row in rows]  # type: ignore[index]
    assert len(lefts) > 4
    assert all(each == lefts[0] for each in lefts)
    context.close()
