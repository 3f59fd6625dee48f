"""What leadership looks at each morning, and an employer's part of it, in a real browser: values by pointer and by
keys, two sheets of paper, live, at every width."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from streams.apply import apply_batch
from streams.intake import Incoming
from tests.access import COOKIE
from tests.facts import CAMPAIGN, event, opened, signed_up

Apply = Callable[..., None]
PICTURES = os.environ.get("PICTURES", "")  # a folder for pictures of the pages, to be looked at
SCHOOLS = (
    "武汉理工大学",
    "华中科技大学",
    "三峡大学",
    "湖北工业大学",
    "Wuhan University",
    "中南大学",
    "南京大学",
    "长江大学",
)
EMPLOYERS = (("huayou", "华友钴业", "Huayou Cobalt"), ("catl", "宁德时代", "CATL"), ("byd", "比亚迪", "BYD"))


def day(gone: int, hour: int = 9) -> str:
    at = datetime.now(UTC).replace(hour=1, minute=0, second=0, microsecond=0) - timedelta(days=gone)
    return (at + timedelta(hours=hour - 9)).isoformat()


def story(people: int = 120) -> list[dict[str, Any]]:
    """A campaign that has run for a hundred days."""
    today = datetime.now(UTC).date()
    particulars = {"title": "2026 届高校毕业生引进", "organizer": "宜昌高新区", "kind": "graduates",
                   "starts_on": str(today - timedelta(100)), "ends_on": str(today + timedelta(60))}  # fmt: skip
    due = str(today + timedelta(60))
    titles = [("hired", "引进毕业生 80 名", 80), ("accepted", "签约 90 人", 90), ("signed_up", "报名 150 人", 150)]
    return [
        event("campaign.opened", **particulars),
        *[event("target.set", target=m, title=t, measure=m, goal=n, due_on=due) for m, t, n in titles],
        event("target.set", target="ours", title="华友 20 名", measure="hired", goal=20, due_on=due,
              where={"employer": ["huayou"]}),
        *[event("employer.set", employer=i, name=n, name_en=e, city="宜昌") for i, n, e in EMPLOYERS],
        *[event("opening.set", opening=f"op{n}", employer=EMPLOYERS[n % 3][0], position=f"工艺工程师 {n}", seats=15)
          for n in range(6)],
        *[event("fair.scheduled", fair=f"f{n}", title=f"{SCHOOLS[n]}专场双选会", mode="onsite", city="武汉",
                starts_at=day(90 - 10 * n), ends_at=day(90 - 10 * n, 17), employers=[e for e, _, _ in EMPLOYERS],
                **({"cost": 12_000 + 3_500 * n} if n % 2 else {})) for n in range(8)],
        *[each for n in range(people) for each in life(n)],
    ]  # fmt: skip


def life(n: int) -> Iterator[dict[str, Any]]:
    """One in several goes on at each step."""
    who, fair, employer, came = f"c{n}", f"f{n % 8}", EMPLOYERS[n % 3][0], 90 - 10 * (n % 8)
    chain, education = (("磷化工", "bachelor"), ("新能源", "master"), ("生物医药", "doctor"))[n % 3]
    known = {"name": f"求职者{n}", "school": SCHOOLS[n % 8], "chain": chain, "education": education}
    yield signed_up(who, fair=fair, consent=True, time=day(came + n % 9 + 1), **known)
    if n % 5:
        yield event("candidate.checked_in", candidate=who, fair=fair, time=day(came))
    if n % 5 and n % 3 < 2:
        yield event("candidate.interviewed", candidate=who, employer=employer, outcome="passed", time=day(came - n % 4))
        offer = {
            "offer": f"o{n}",
            "employer": employer,
            "position": "工艺工程师",
            "opening": f"op{n % 6}",
            "city": "宜昌",
        }
        yield event("offer.extended", candidate=who, time=day(came - 5 - n % 6), expires_at=day(came - 40), **offer)
        if n % 7:
            answer = "offer.accepted" if n % 4 else "offer.declined"
            yield event(answer, candidate=who, offer=f"o{n}", time=day(max(came - 8 - n % 7, 1)))
        if n % 7 and n % 4 and n % 9:
            yield event("hire.started", candidate=who, employer=employer, started_on=day(came - 18)[:10],
                        time=day(max(came - 18 - n % 10, 1)))  # fmt: skip


@pytest.fixture
def apply(on_database: Callable[..., Any]) -> Apply:
    """Apply events that happened until now."""

    def do(*events: dict[str, Any]) -> None:
        batch = [Incoming("yinfeng.facts", 0, n, None, json.dumps(each).encode(), ()) for n, each in enumerate(events)]
        on_database(lambda conn: apply_batch(conn, batch, now=datetime.now(UTC)))

    return do


@pytest.fixture
def employers_page(browser: Browser, address: str, make_session: Callable[..., str]) -> Iterator[Page]:
    """A browser of somebody of an employer."""
    context = browser.new_context(locale="en")
    context.add_cookies([{"name": COOKIE, "value": make_session("employer", "huayou"), "url": address}])
    yield context.new_page()
    context.close()


def test_a_chart_is_read_by_keys_and_by_pointer(logged_in: Page, address: str, apply: Apply):
    apply(*story(40))
    logged_in.goto(f"{address}/campaigns/{CAMPAIGN}")
    plot = logged_in.locator(".plot").first
    shown = plot.locator(".value[data-read] text")
    plot.focus()
    expect(shown).to_have_count(0)
    logged_in.keyboard.press("ArrowLeft")
    last = shown.text_content() or ""
    assert re.search(r"\d+ \w{3} · \d+", last)
    expect(logged_in.locator("#said")).to_have_text(last)
    logged_in.keyboard.press("Home")
    expect(shown).not_to_have_text(last)
    logged_in.keyboard.press("End")
    expect(shown).to_have_text(last)
    logged_in.keyboard.press("Tab")
    expect(shown).to_have_count(0)
    value = plot.locator(".value").nth(3)
    value.locator("rect").hover()
    expect(value.locator("text")).to_be_visible()
    # And as a table, with the same numbers.
    logged_in.get_by_text("As a table").first.click()
    rows = logged_in.locator("figure table").first.locator("tbody tr")
    assert rows.count() == plot.locator(".value").count()


def test_it_moves_without_a_reload(logged_in: Page, address: str, apply: Apply):
    apply(*story(30))
    logged_in.goto(f"{address}/campaigns/{CAMPAIGN}")
    hired = logged_in.locator("#steps tbody tr").last.locator(".strong")
    before = int(hired.inner_text())
    apply(event("hire.started", candidate="new", employer="byd", started_on="2026-04-01"))
    expect(hired).to_have_text(str(before + 1))
    expect(logged_in.locator("#breakdowns")).to_contain_text("BYD")


def test_what_is_read_of_a_chart_stays_while_it_moves(logged_in: Page, address: str, apply: Apply):
    apply(*story(30))
    logged_in.goto(f"{address}/campaigns/{CAMPAIGN}")
    expect(logged_in.locator("#live")).to_have_text("Live")
    plot = logged_in.locator(".plot").first
    plot.focus()
    logged_in.keyboard.press("Home")
    apply(event("target.set", target="more", title="Another", measure="hired", goal=9, due_on="2094-12-31"))
    expect(logged_in.locator('[data-target="more"]')).to_be_visible()
    expect(plot.locator(".value[data-read]")).to_have_count(1)
    expect(plot).to_be_focused()


@pytest.mark.parametrize("lang", ["en", "zh-CN"])
@pytest.mark.parametrize("targets", [0, 30])
def test_it_prints_on_two_pages(logged_in: Page, address: str, apply: Apply, lang: str, targets: int):
    more = [event("target.set", target=f"t{n}", title=f"目标 {n}", measure="hired", goal=9, due_on="2026-12-31")
            for n in range(targets)]  # fmt: skip
    apply(*story(), *more)
    logged_in.goto(f"{address}/campaigns/{CAMPAIGN}?lang={lang}")
    report = logged_in.pdf(prefer_css_page_size=True)
    assert len(re.findall(rb"/Type\s*/Page\b", report)) == 2
    if PICTURES:
        (Path(PICTURES) / f"report-{lang}-{targets}.pdf").write_bytes(report)


def test_an_empty_campaign_prints_too(logged_in: Page, address: str, apply: Apply):
    apply(opened())
    logged_in.goto(f"{address}/campaigns/{CAMPAIGN}")
    assert len(re.findall(rb"/Type\s*/Page\b", logged_in.pdf(prefer_css_page_size=True))) == 2


def test_an_employer_reports_who_started_with_one_click(
    employers_page: Page, address: str, apply: Apply, apply_what_waits: Callable[[], None]
):
    apply(*story(80))
    employers_page.goto(f"{address}/campaigns/{CAMPAIGN}")
    expect(employers_page.get_by_role("heading", name="Huayou Cobalt")).to_be_visible()
    waiting = employers_page.locator("section[aria-labelledby=report] li")
    number = waiting.count()
    assert number > 0
    employers_page.get_by_role("button", name=re.compile("They started: ")).first.click()
    expect(employers_page.locator(".notice")).to_be_visible()
    apply_what_waits()
    expect(waiting).to_have_count(number - 1)


@pytest.mark.skipif(not PICTURES, reason="for looking at")
@pytest.mark.parametrize("lang", ["en", "zh-CN"])
def test_pictures(employers_page: Page, logged_in: Page, address: str, apply: Apply, lang: str):
    apply(*story())
    pages = {
        "morning": (logged_in, f"/campaigns/{CAMPAIGN}"),
        "by": (logged_in, f"/campaigns/{CAMPAIGN}/by/fair"),
        "walls": (logged_in, "/walls"),
        "own": (employers_page, f"/campaigns/{CAMPAIGN}/employers/huayou"),
    }
    for name, (page, path) in pages.items():
        for width in (390, 1280):
            for scheme in ("light", "dark"):
                page.set_viewport_size({"width": width, "height": 900})
                page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
                page.goto(f"{address}{path}?lang={lang}")
                page.screenshot(path=Path(PICTURES) / f"{name}-{width}-{scheme}-{lang}.png", full_page=True)
                assert page.evaluate("document.documentElement.scrollWidth") <= width
