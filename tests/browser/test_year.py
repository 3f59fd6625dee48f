"""A year of one HR officer on the running platform: each task with no more clicks than it may take, by the mouse in
one language and by the keyboard alone in the other."""

from __future__ import annotations

import re
from collections.abc import Iterator

import httpx
import psycopg
import pytest
from playwright.sync_api import Browser, BrowserContext, expect

from dashboard.languages import Lang
from tests.access import PASSWORD
from tests.browser import year as story
from tests.browser.officer import KeyboardOfficer, Officer
from tests.browser.year import Year
from tests.platform import Platform, stop, whole

EMAIL = "wang@example.com"
EARLIER = "UPDATE facts SET received_at = received_at - interval '1 day'"  # all of them: moments grow with the numbers


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    started = whole(tmp_path_factory.mktemp("year") / "home")
    yield started
    stop(started)


@pytest.fixture(scope="module")
def signed_in(browser: Browser, platform: Platform) -> Iterator[BrowserContext]:
    """The browser of the first organizer."""
    platform.until_said("/welcome/")
    found = re.search(r"http://\S+/welcome/\S+", platform.said())
    assert found
    context = browser.new_context(locale="en-US", base_url=f"http://127.0.0.1:{platform.port}")
    context.set_default_timeout(20_000)
    page = context.new_page()
    page.goto(found[0])
    for name, value in {"name": "王芳", "email": EMAIL, "password": PASSWORD, "again": PASSWORD}.items():
        page.locator(f"[name='{name}']").fill(value)
    page.get_by_role("button", name="Begin").click()
    expect(page.locator("h1")).to_be_visible()
    yield context
    context.close()


def post(platform: Platform, events: list[dict[str, object]]) -> None:
    """Facts of others, applied; recorded yesterday."""
    key = (platform.home / "organizer.key").read_text().strip()
    answer = httpx.post(
        f"http://127.0.0.1:{platform.port}/v1/events",
        json=events,
        headers={
            "Authorization": f"Bearer {key}",
            "Content-Type": "application/cloudevents-batch+json",
            "Prefer": "wait=30",
        },
        timeout=60,
    )
    assert (answer.status_code, answer.headers.get("Preference-Applied")) == (202, "wait=30"), answer.text
    with psycopg.connect(platform.state().database_url or "", autocommit=True) as conn:
        conn.execute(EARLIER)


@pytest.mark.slow
@pytest.mark.parametrize(("lang", "kind"), [("en", Officer), ("zh-CN", KeyboardOfficer)], ids=["mouse", "keyboard"])
def test_a_year(platform: Platform, signed_in: BrowserContext, lang: Lang, kind: type[Officer]):
    page = signed_in.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    officer = kind(page, lang)
    address = f"http://127.0.0.1:{platform.port}"
    year = Year(officer, address, f"last-{kind.__name__}-{lang}")
    post(platform, story.last_year(year.last_year))
    officer.open(f"/?lang={lang}")
    story.open_campaign(year)
    took = {story.BEFORE: officer.clicks}
    post(platform, story.people(year.campaign))
    for task in story.TASKS:
        if task.goes_on:
            officer.clicks = officer.keys = 0
        else:
            officer.open(year.here)
        task.do(year)
        took[task] = officer.clicks
    for task, clicks in took.items():
        print(f"{clicks} of {task.most}: {task.name}")
    assert [f"{task.name}: {clicks}, at most {task.most}" for task, clicks in took.items() if clicks > task.most] == []
    assert officer.unseen == []
    assert complaints == []
    page.close()
