"""What candidates do by themselves, on a telephone: signing up, their own page, a lost link; without scripts too."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from notifications.sending.scheduler import look
from storage.database import make_pool
from tests.facts import CAMPAIGN, event, opened
from tests.integration.office import Office
from tests.platform import until

FAIR = f"/fairs/{CAMPAIGN}/f1"
WORDS = {
    "en": {
        "name": "Name", "email": "E-mail, for your ticket", "go": "Sign me up", "in": "You are in", "slow": "wait 20",
        "full": "Put me on the waiting list", "seat": "You have a seat", "line": "number 1", "off": "Sign me off",
        "left": "You are signed off", "back": "Sign me up again", "correct": "Correct it", "save": "Save",
        "erase": "Erase me", "sure": "erase everything about me", "erased": "You are erased",
        "new": "Send me a new link", "sent": "a mail with a new link",
    },
    "zh-CN": {
        "name": "姓名", "email": "邮箱（用于接收电子票）", "go": "立即报名", "in": "报名成功", "slow": "20 秒",
        "full": "加入候补名单", "seat": "已有名额", "line": "第 1 位", "off": "退出",
        "left": "您已退出", "back": "重新报名", "correct": "更正", "save": "保存",
        "erase": "删除我的信息", "sure": "删除我的全部信息", "erased": "您的信息已删除",
        "new": "发送新链接", "sent": "新链接的邮件已发出",
    },
}  # fmt: skip
PICTURES = os.environ.get("PICTURES", "")  # a folder for pictures of the pages, to be looked at
SIZES = """['resource', 'navigation'].flatMap((kind) => performance.getEntriesByType(kind))
    .map((each) => each.transferSize)"""
Settle = Callable[[], None]


@pytest.fixture
def settle(database_url: str) -> Settle:
    """What was said is applied, seats that came free are given, mails go."""

    async def run() -> None:
        async with make_pool(database_url, name="test") as pool:
            office = Office(pool)
            await office.apply_what_waits()
            await office.sender().send_all()
            async with pool.connection() as conn:
                await look(conn, office.clock())
            await office.sender().send_all()

    def do() -> None:
        with ThreadPoolExecutor(1) as pool:
            pool.submit(asyncio.run, run()).result()

    return do


@pytest.fixture
def own(database_url: str, address: str) -> Callable[[str], str]:
    """The address of somebody's own page, by their newest mail."""

    async def run(email: str) -> str:
        async with make_pool(database_url, name="test") as pool:
            query = "SELECT text FROM mails JOIN messages m ON m.id = message WHERE recipient = %s ORDER BY m.id DESC"
            (text,) = (await Office(pool).rows(query, [email]))[0]
        found = re.search(r"https://park\.example(/me/\S+)", text)
        assert found
        return found[1]

    def do(email: str) -> str:
        with ThreadPoolExecutor(1) as pool:
            return address + pool.submit(asyncio.run, run(email)).result()

    return do


@pytest.fixture(params=["en", "zh-CN"])
def phone(request: pytest.FixtureRequest, browser: Browser, address: str) -> Iterator[BrowserContext]:
    """A telephone of somebody who reads this language."""
    context = browser.new_context(
        locale=request.param, viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True
    )
    yield context
    context.close()


def told(page: Page) -> dict[str, str]:
    return WORDS[page.evaluate("document.documentElement.lang")]


def announced(**more: Any) -> list[dict[str, Any]]:
    now = datetime.now(UTC).replace(microsecond=0)
    made = opened()
    days = {"starts_on": str(now.date() - timedelta(days=30)), "ends_on": str(now.date() + timedelta(days=30))}
    data = {**made["data"], "title": "Graduates", **days}
    starts, ends = now + timedelta(days=2), now + timedelta(days=2, hours=7)
    fair = {"fair": "f1", "title": "Spring fair 春季双选会", "mode": "onsite", "city": "武汉", "employers": ["huayou"]}
    fair |= {"starts_at": starts.isoformat(), "ends_at": ends.isoformat(), "capacity": 1}
    return [made | {"data": data}, event("fair.scheduled", **fair | more)]


def sign_up(page: Page, address: str, name: str, email: str, button: str) -> None:
    page.goto(address + FAIR)
    words = told(page)
    page.get_by_label(words["name"], exact=True).fill(name)
    page.get_by_label(words["email"]).fill(email)
    page.locator("input[name=employers]").check()
    page.wait_for_timeout(3000)  # people type no quicker
    page.get_by_role("button", name=words[button]).click()
    expect(page.get_by_role("status")).to_contain_text(words["in"])


def fits(page: Page, name: str) -> None:
    for width in (320, 390):
        page.set_viewport_size({"width": width, "height": 844})
        assert page.evaluate("document.documentElement.scrollWidth") <= width, name
        if PICTURES:
            lang = page.evaluate("document.documentElement.lang")
            page.screenshot(path=Path(PICTURES) / f"{name}-{lang}-{width}.png", full_page=True)


def _go_and_come_back(page: Page, settle: Settle, own: Callable[[str], str], words: dict[str, str]) -> None:
    page.goto(own("li@example.com"))
    page.get_by_role("button", name=words["off"]).click()
    settle()
    page.goto(own("li@example.com"))
    expect(page.locator("#main")).to_contain_text(words["left"])
    page.goto(own("wang@example.com"))
    expect(page.locator("#main")).to_contain_text(words["seat"])
    page.goto(own("li@example.com"))
    page.get_by_role("button", name=words["back"]).click()
    settle()


def _correct_the_name(page: Page, settle: Settle, own: Callable[[str], str], words: dict[str, str]) -> None:
    page.goto(own("li@example.com"))
    page.get_by_text(words["correct"], exact=True).click()
    page.get_by_label(words["name"], exact=True).fill("李思语")
    page.get_by_role("button", name=words["save"]).last.click()
    settle()
    page.goto(own("li@example.com"))
    expect(page.get_by_role("heading", level=1)).to_contain_text("李思语")


def test_the_whole_way_of_a_candidate(
    *, phone: BrowserContext, address: str, apply: Any, settle: Settle, own: Callable[[str], str]
):
    apply(*announced())
    page = phone.new_page()
    page.goto(address + FAIR)
    fits(page, "signup")
    sign_up(page, address, "李思雨", "li@example.com", "go")
    fits(page, "done")
    settle()
    sign_up(page, address, "王芳", "wang@example.com", "full")
    settle()
    page.goto(own("wang@example.com"))
    words = told(page)
    expect(page.locator("#main")).to_contain_text(words["line"])
    fits(page, "own")
    _go_and_come_back(page, settle, own, words)
    _correct_the_name(page, settle, own, words)
    old = page.url
    page.goto(f"{address}/lost")
    page.locator("#email").fill("li@example.com")
    page.get_by_role("button", name=words["new"]).click()
    expect(page.get_by_role("status")).to_contain_text(words["sent"])
    fits(page, "lost")
    settle()
    assert page.request.get(old).status == 404
    page.goto(own("li@example.com"))
    page.get_by_role("link", name=words["erase"]).click()
    fits(page, "erase")
    page.get_by_label(words["sure"]).check()
    page.get_by_role("button", name=words["erase"]).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(words["erased"])


def test_without_scripts_one_waits_and_presses_once_more(browser: Browser, address: str, apply: Any, settle: Settle):
    apply(*announced())
    context = browser.new_context(locale="en", java_script_enabled=False, viewport={"width": 390, "height": 844})
    page = context.new_page()
    page.goto(address + FAIR)
    assert "Without JavaScript it takes longer" in page.content()  # Chromium draws no <noscript> when told so late
    page.get_by_label("Name", exact=True).fill("Li")
    page.get_by_label("E-mail, for your ticket").fill("li@example.com")
    page.get_by_role("button", name="Sign me up").click()
    expect(page.get_by_role("alert")).to_contain_text("wait 20 seconds")
    expect(page.get_by_label("Name", exact=True)).to_have_value("Li")
    page.wait_for_timeout(20_500)
    page.get_by_role("button", name="Sign me up").click()
    expect(page.get_by_role("status")).to_contain_text("You are in")
    context.close()


def test_the_first_paint_needs_nothing_but_the_page(browser: Browser, address: str, apply: Any):
    """How long it takes on a slow line is in benchmarks."""
    apply(*announced())
    context = browser.new_context(locale="en", viewport={"width": 390, "height": 844})
    page = context.new_page()
    context.route(lambda url: not url.endswith(FAIR), lambda route: None)  # never answered
    page.goto(address + FAIR, wait_until="commit")
    until(lambda: page.evaluate("performance.getEntriesByName('first-contentful-paint').length") > 0)
    context.unroute_all(behavior="ignoreErrors")
    page.goto(address + FAIR)
    assert sum(page.evaluate(SIZES)) < 60_000
    context.close()
