"""A wall on the screen of a hall, in a real browser: it rotates, says how things stand, ends when it is revoked, and
takes no more memory after thousands of updates."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from storage.access import walls
from tests.browser.screens import COUNT_PUTS, memory, update
from tests.facts import CAMPAIGN, event, hired, opened, target

Apply = Callable[..., None]
OTHER = "professionals-2026"
PUTS = 2_000
PICTURES = os.environ.get("PICTURES", "")  # a folder for pictures of the screen, to be looked at


@pytest.fixture
def wall(on_database: Callable[..., Any]) -> Callable[..., str]:
    def make(campaigns: list[str] | None = None, lang: str = "en") -> str:
        made: str = on_database(lambda conn: walls.create(conn, name="Hall", campaigns=campaigns, made_by="tests"))
        return f"/wall/{made}?lang={lang}"

    return make


def other() -> list[dict[str, Any]]:
    about = {"title": "专业人才引进", "organizer": "P", "starts_on": "2026-01-01", "ends_on": "2026-12-31"}
    return [
        event("campaign.opened", campaign=OTHER, **about),
        *[
            event("target.set", campaign=OTHER, target=f"t{n}", title=f"目标 {n}", measure="hired", goal=40 * n,
                  due_on="2026-12-31")
            for n in range(1, 4)
        ],
    ]  # fmt: skip


def test_it_rotates_between_campaigns_and_may_be_held(page: Page, address: str, apply: Apply, wall: Callable[..., str]):
    apply(opened(), target("t", goal=4), *other())
    page.clock.install()
    page.goto(address + wall())
    first, second = (page.locator(f"#slide-{name}") for name in (CAMPAIGN, OTHER))
    expect(first).to_be_visible()
    expect(second).not_to_be_visible()
    page.clock.run_for(15_100)
    expect(second).to_be_visible()
    expect(first).not_to_be_visible()
    page.get_by_role("button", name="Hold").press("Enter")
    page.clock.run_for(60_000)
    expect(second).to_be_visible()
    page.get_by_role("button", name="Next").press("Enter")
    expect(first).to_be_visible()


def test_a_bar_moves_and_the_time_is_said(page: Page, address: str, apply: Apply, wall: Callable[..., str]):
    apply(opened(), target("t", goal=4))
    page.goto(address + wall([CAMPAIGN]))
    expect(page.locator("#live")).to_contain_text("Live · as of")
    apply(hired("c1"))
    expect(page.locator("[data-percent]")).to_have_text("25%")
    expect(page.locator("#hold")).to_have_count(0)


def test_it_says_that_it_reconnects_and_ends_when_it_is_revoked(
    context: BrowserContext, address: str, apply: Apply, wall: Callable[..., str], on_database: Callable[..., Any]
):
    apply(opened(), target("t", goal=4), *other())
    page = context.new_page()
    page.goto(address + wall())
    expect(page.locator("#live")).to_contain_text("Live")
    shown = page.locator(".slide[data-shown]").get_attribute("id")
    page.route("**/stream*", lambda route: route.fulfill(status=503))
    page.evaluate("dispatchEvent(new PageTransitionEvent('pagehide'))")
    page.evaluate("dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))")
    expect(page.locator("#live")).to_contain_text("Reconnecting…")
    page.unroute("**/stream*")
    expect(page.locator("#live")).to_contain_text("Live")
    assert page.locator(".slide[data-shown]").get_attribute("id") == shown
    on_database(lambda conn: walls.revoke(conn, on_wall(on_database)))
    expect(page.locator(".code")).to_have_text("404")


def on_wall(on_database: Callable[..., Any]) -> str:
    found: str = on_database(walls.listed)[0].wall
    return found


def test_memory_is_flat(
    context: BrowserContext, address: str, apply: Apply, wall: Callable[..., str], database_url: str
):
    """`python -m benchmarks wall` does the same with 50,000."""
    apply(opened(), *[target(f"t{n}", goal=1_000_000) for n in range(6)], *other())
    context.add_init_script(COUNT_PUTS)
    page = context.new_page()
    page.goto(address + wall())
    expect(page.locator("#live")).to_contain_text("Live")
    session = context.new_cdp_session(page)
    session.send("Performance.enable")
    update(page, database_url, PUTS // 4, within=60)
    before = memory(session)
    update(page, database_url, PUTS, within=120)
    after = memory(session)
    assert after.heap < before.heap + 300_000
    assert after.nodes <= before.nodes + 50
    assert after.listeners <= before.listeners


@pytest.mark.parametrize("lang", ["en", "zh-CN"])
def test_it_is_read_from_across_a_room(page: Page, address: str, apply: Apply, wall: Callable[..., str], lang: str):
    """At 1920 by 1080 all is on the screen; numbers are at least 60 pixels tall, whatever else 20. No title is cut."""
    titles = ["华友录用高校毕业生 750 名 · 750 graduates for Huayou", "Doctors", "Fairs held", "Signups"]
    apply(opened(), *[event("target.set", target=f"t{n}", title=title, measure="hired", goal=2000 + n,
                            due_on="2026-12-31") for n, title in enumerate(titles)], hired("c1"))  # fmt: skip
    page.set_viewport_size({"width": 1920, "height": 1080})
    page.goto(address + wall(lang=lang))
    sizes = "(selector) => [...document.querySelectorAll(selector)].map(e => parseFloat(getComputedStyle(e).fontSize))"
    assert min(page.evaluate(sizes, ".figure strong")) >= 60
    assert min(page.evaluate(sizes, "h1, h3, .meta, .chip:not(:empty), .of, .percent, #live")) >= 20
    assert page.evaluate("document.documentElement.scrollHeight") <= 1080
    assert page.evaluate("[...document.querySelectorAll('h3')].every(e => e.scrollHeight <= e.clientHeight + 1)")
    if PICTURES:
        page.screenshot(path=Path(PICTURES) / f"wall-{lang}.png")
