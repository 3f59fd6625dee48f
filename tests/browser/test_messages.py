"""The mailbox in a real browser: mails as their readers see them, in a frame that can do no harm."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from playwright.sync_api import Page, expect

from storage.database import make_pool
from tests.facts import CAMPAIGN, event, opened, signed_up
from tests.integration.office import Office

Apply = Callable[..., None]
HOSTILE = '<img src=x onerror="parent.document.title=1"><script>parent.document.title = 2</script>'
FAIR = event(
    "fair.scheduled",
    fair="f1",
    title="武汉理工大学双选会",
    mode="hybrid",
    starts_at="2094-03-08T09:00:00+08:00",
    ends_at="2094-03-08T16:00:00+08:00",
    venue="东院体育馆",
    city="武汉",
    url="https://fairs.example/whut",
)


@pytest.fixture
def deliver(database_url: str) -> Callable[[], None]:
    """Send everything that is due, to the mailbox. Playwright's own loop keeps this thread, so it goes into another."""

    async def run() -> None:
        async with make_pool(database_url, name="test") as pool:
            await Office(pool).sender().send_all()

    def do() -> None:
        with ThreadPoolExecutor(1) as pool:
            pool.submit(asyncio.run, run()).result()

    return do


def person(candidate: str, **more: str) -> dict[str, object]:
    return signed_up(candidate, **{"email": f"{candidate}@example.com", "fair": "f1", **more})


def test_a_mail_is_found_and_looks_as_it_went_out(
    logged_in: Page, address: str, apply: Apply, deliver: Callable[[], None]
):
    apply(opened(), FAIR, person("c1", name="李思雨"), person("c2", name="Alex", locale="en"))
    deliver()
    logged_in.goto(f"{address}/messages")
    expect(logged_in.locator(".mail-list li")).to_have_count(2)
    logged_in.get_by_label("Candidate").fill("c2")
    logged_in.get_by_role("button", name="Filter").click()
    logged_in.locator(".mail-list a").click()
    expect(logged_in.get_by_role("heading", level=1)).to_have_text("You are signed up: 武汉理工大学双选会")
    mail = logged_in.frame_locator(".mail-frame")
    expect(mail.locator("h1")).to_have_text("You are signed up")
    expect(mail.locator(".card")).to_have_css("max-width", "560px")
    expect(mail.get_by_role("link", name="fairs.example")).to_have_attribute("href", "https://fairs.example/whut")
    with logged_in.expect_response("**/text") as answer:
        logged_in.get_by_role("link", name="As plain text").click()
    assert "When: Monday, 8 March 2094 09:00–16:00 (China Standard Time)" in answer.value.text()


def test_what_a_name_holds_does_nothing(logged_in: Page, address: str, apply: Apply, deliver: Callable[[], None]):
    apply(
        event("campaign.opened", title=HOSTILE, organizer=HOSTILE, starts_on="2026-01-01", ends_on="2026-12-31"),
        FAIR,
        person("c1", name=HOSTILE),
    )
    deliver()
    for path in ("/messages", "/messages/1"):
        logged_in.goto(address + path)
        expect(logged_in).not_to_have_title(re.compile("^[12]$"))
    expect(logged_in.frame_locator(".mail-frame").locator("body")).to_contain_text(HOSTILE)
    assert logged_in.goto(f"{address}/messages/1/html")
    assert logged_in.title().startswith("报名成功")


@pytest.mark.parametrize("lang", ["zh-CN", "en"])
def test_the_mailbox_fits_a_telephone(
    logged_in: Page, address: str, apply: Apply, deliver: Callable[[], None], lang: str
):
    long = "Wolfeschlegelsteinhausenbergerdorff" * 5
    apply(opened(), FAIR, person("c1", name=long, email=f"{long[:60]}@example.com"), signed_up("c2", name=long))
    deliver()
    logged_in.set_viewport_size({"width": 360, "height": 740})
    for path in ("/messages", "/messages/1", "/messages/2", f"/messages?campaign={CAMPAIGN}&candidate=nobody"):
        logged_in.goto(address + path)
        logged_in.goto(f"{address}{path}{'&' if '?' in path else '?'}lang={lang}")
        assert logged_in.evaluate("document.documentElement.scrollWidth") <= 360
