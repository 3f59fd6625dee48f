"""What candidates and authors of templates do, in a real browser."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from storage.database import make_pool
from tests.access import COOKIE
from tests.facts import CAMPAIGN, event, opened, signed_up
from tests.integration.office import Office

Apply = Callable[..., None]
OFFER = {"offer": "o1", "employer": "华友钴业", "position": "Chemist"}


@pytest.fixture
def path_to(database_url: str, address: str) -> Callable[[str], str]:
    """Let everything due go out; the address that the newest link of a purpose leads to."""

    async def run(purpose: str) -> str:
        async with make_pool(database_url, name="test") as pool:
            office = Office(pool)
            await office.sender().send_all()
            [(text,)] = await office.rows(
                "SELECT text FROM mails WHERE text LIKE %s ORDER BY message DESC LIMIT 1", [f"%/{purpose}/%"]
            )
        found = re.search(rf"https://park\.example(/{purpose}/\S+)", text)
        assert found
        return address + found[1]

    def do(purpose: str) -> str:
        with ThreadPoolExecutor(1) as pool:
            return pool.submit(asyncio.run, run(purpose)).result()

    return do


def person(**more: Any) -> dict[str, Any]:
    return signed_up("c1", name="李思雨", email="c1@example.com", locale="zh-CN", **more)


def test_an_offer_is_declined_on_a_telephone_and_accepted_after_all(
    page: Page, apply: Apply, path_to: Callable[[str], str]
):
    apply(opened(), person(), event("offer.extended", candidate="c1", **OFFER))
    page.set_viewport_size({"width": 360, "height": 740})
    page.goto(path_to("offers"))
    expect(page.locator("html")).to_have_attribute("lang", "zh-CN")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.get_by_text("我想婉拒").click()
    page.get_by_label("原因").fill("太远了")
    page.get_by_role("button", name="婉拒录用").click()
    expect(page.get_by_text("您已婉拒此录用")).to_be_visible()
    page.get_by_role("link", name="English").click()
    page.get_by_text("Change my answer").click()
    page.get_by_role("button", name="Accept after all").click()
    expect(page.get_by_text("you have accepted this offer")).to_be_visible()


def test_a_ticket_is_checked_in_by_whoever_is_logged_in(
    *, page: Page, context: BrowserContext, apply: Apply, path_to: Callable[[str], str], address: str, make_session: Any
):
    start = datetime.now(UTC).replace(microsecond=0)
    fair = {
        "fair": "f1",
        "title": "Fair",
        "mode": "onsite",
        "starts_at": start.isoformat(),
        "ends_at": (start + timedelta(hours=7)).isoformat(),
    }
    apply(opened(), event("fair.scheduled", **fair), person(fair="f1"))
    ticket = path_to("tickets")
    page.goto(f"{ticket}?lang=en")
    expect(page.get_by_role("img", name="QR code of this ticket")).to_be_visible()
    expect(page.get_by_role("button", name="Check in")).to_have_count(0)
    context.add_cookies([{"name": COOKIE, "value": make_session("organizer"), "url": address}])
    page.goto(ticket)
    page.get_by_role("button", name="Check in").click()
    expect(page.get_by_role("status")).to_contain_text("Checked in on")
    page.get_by_role("button", name="Undo the check-in").click()
    expect(page.get_by_role("button", name="Check in")).to_be_visible()


def test_a_template_is_tried_in_its_frame_saved_and_taken_back(logged_in: Page, apply: Apply, address: str):
    apply(opened())
    logged_in.goto(f"{address}/templates")
    logged_in.locator("#offer").get_by_role("link", name="English").click()
    frame = logged_in.frame_locator(".mail-frame")
    expect(frame.locator("h1")).to_have_text("Congratulations, you have an offer")
    logged_in.get_by_label("Content").fill("# Well done, {{ nam }}")
    logged_in.get_by_role("button", name="Preview").click()
    expect(frame.get_by_text("there is no nam; did you mean name?")).to_be_visible()
    logged_in.get_by_label("Content").fill("# Well done, {{ name }}")
    logged_in.get_by_role("button", name="Preview").click()
    expect(frame.locator("h1")).to_have_text("Well done, Siyu Li")
    logged_in.get_by_role("button", name="Save").click()
    expect(logged_in.get_by_role("status")).to_contain_text("Saved")
    expect(frame.locator("h1")).to_have_text("Well done, Siyu Li")
    logged_in.get_by_role("button", name="Back to what Yinfeng brings").click()
    expect(frame.locator("h1")).to_have_text("Congratulations, you have an offer")
    assert CAMPAIGN in logged_in.url
