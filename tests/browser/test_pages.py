"""The pages in a real browser: logging in, bars that move by themselves, languages, small and large screens."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import APIResponse, Browser, BrowserContext, Page, Route, expect

from dashboard.campaign.list_page import CAMPAIGNS_A_PAGE
from tests.access import COOKIE
from tests.facts import CAMPAIGN, event, hired, opened, signed_up, target
from tests.platform import free_port
from tests.web import served

Apply = Callable[..., None]
SCRIPT = "<script>alert(1)</script>"


def titled(name: str, title: str, **more: Any) -> dict[str, Any]:
    made = target(name, **more)
    return made | {"data": {**made["data"], "title": title}}


def test_logging_in_leads_back_to_the_page_and_out_again(page: Page, address: str, make_key: Callable[..., str]):
    page.goto(f"{address}/wall")
    assert page.url.startswith(f"{address}/login")
    page.get_by_text("Sign in with an access key instead").click()
    page.get_by_label("Access key").fill(make_key("viewer"))
    page.get_by_role("button", name="Sign in with the key").click()
    expect(page).to_have_url(f"{address}/wall")
    page.goto(address)
    page.get_by_role("button", name="Sign out").click()
    page.goto(address)
    assert "/login" in page.url


def test_a_wrong_key_gets_a_word(context: BrowserContext, address: str):
    page = context.new_page()
    page.goto(f"{address}/login")
    page.get_by_text("Sign in with an access key instead").click()
    page.get_by_label("Access key").fill("yf_nothing")
    page.get_by_role("button", name="Sign in with the key").click()
    expect(page.get_by_role("alert")).to_contain_text("revoked")


def test_with_nothing_there_it_says_how_to_begin(logged_in: Page, address: str):
    logged_in.goto(address)
    expect(logged_in.locator("main")).to_contain_text("yinfeng demo")


@pytest.mark.parametrize("path", ["/", f"/campaigns/{CAMPAIGN}", "/wall"])
def test_a_bar_moves_without_a_reload(logged_in: Page, address: str, apply: Apply, path: str):
    apply(opened(), titled("t", "Graduates", goal=2000), titled("money", "Benefits", measure="paid", goal=31_500_000))
    logged_in.goto(address + path)
    card = logged_in.locator('[data-target="t"]')
    expect(logged_in.locator("#live")).to_have_text("Live")
    expect(card.get_by_role("progressbar")).to_have_attribute("aria-valuenow", "0")
    logged_in.evaluate("window.neverReloaded = true")
    paid = event("benefit.paid", candidate="c1", benefit="b", kind="insurance", amount=15_750_000)
    apply(*[hired(f"c{number}") for number in range(1200)], paid)
    expect(logged_in.locator("#said")).to_contain_text("Graduates has reached 50%")
    expect(logged_in.locator("#said")).to_contain_text("Benefits has reached 50%")
    expect(card.locator("[data-number]")).to_have_text("1,200")
    expect(card.locator("[data-percent]")).to_have_text("60%")
    expect(card.get_by_role("progressbar")).to_have_attribute("aria-valuenow", "1200")
    expect(card.get_by_role("progressbar")).to_have_attribute("aria-valuetext", "1,200 of 2,000, 60%")
    expect(card.locator(".fill")).to_have_attribute("width", "60.0%")
    expect(logged_in.locator('[data-target="money"] [data-number]')).to_have_text("¥15.75 million")
    assert logged_in.evaluate("window.neverReloaded")
    # Drawn by the server, it reads the same.
    moved = card.inner_text()
    logged_in.reload()
    expect(logged_in.locator("#live")).to_have_text("Live")
    assert card.inner_text() == moved


def test_a_new_a_changed_and_a_withdrawn_target_show_without_a_reload(logged_in: Page, address: str, apply: Apply):
    apply(opened(), titled("t", "First"), titled("old", "Old"))
    logged_in.goto(address)
    expect(logged_in.locator("#live")).to_have_text("Live")
    apply(titled("new", "Second"), titled("t", "Renamed", goal=7, time="2026-04-01T00:00:00Z"))
    expect(logged_in.locator('[data-target="new"] .name')).to_have_text("Second")
    expect(logged_in.locator('[data-target="t"]')).to_contain_text("Renamed")
    expect(logged_in.locator('[data-target="t"] .of')).to_have_text("of 7")
    apply(event("target.withdrawn", target="old", time="2026-04-01T00:00:00Z"))
    expect(logged_in.locator('[data-target="old"]')).to_have_count(0)
    expect(logged_in.locator("#live")).to_have_text("Live")


def test_without_scripts_the_numbers_are_there(
    browser: Browser, address: str, apply: Apply, make_session: Callable[..., str]
):
    apply(opened(), titled("t", "Graduates", goal=4), hired("c1"))
    context = browser.new_context(java_script_enabled=False, locale="en")
    context.add_cookies([{"name": COOKIE, "value": make_session("viewer"), "url": address}])
    page = context.new_page()
    page.goto(address)
    expect(page.locator('[data-target="t"] [data-percent]')).to_have_text("25%")
    expect(page.locator("#live")).to_contain_text("As of")
    context.close()


def test_the_language_is_switched_and_remembered(logged_in: Page, address: str, apply: Apply):
    apply(opened(), titled("money", "补贴", measure="paid", goal=31_500_000))
    logged_in.goto(address)
    expect(logged_in.locator("html")).to_have_attribute("lang", "en")
    expect(logged_in.locator(".of")).to_have_text("of ¥31.5 million")
    logged_in.get_by_role("link", name="中文").click()
    expect(logged_in.locator("html")).to_have_attribute("lang", "zh-CN")
    logged_in.goto(f"{address}/campaigns/{CAMPAIGN}")
    expect(logged_in.locator("html")).to_have_attribute("lang", "zh-CN")
    expect(logged_in.locator(".of")).to_have_text("目标 3150万元")
    expect(logged_in.locator("#live")).to_have_text("实时")
    logged_in.get_by_role("link", name="English").click()
    expect(logged_in.locator("html")).to_have_attribute("lang", "en")


def test_a_browser_that_reads_chinese_gets_chinese(browser: Browser, address: str):
    context = browser.new_context(locale="zh-CN")
    page = context.new_page()
    page.goto(address)
    expect(page.get_by_role("button", name="登录")).to_be_visible()
    context.close()


@pytest.mark.parametrize("path", ["/", f"/campaigns/{CAMPAIGN}", f"/candidates/{CAMPAIGN}/c1", "/wall", "/login"])
@pytest.mark.parametrize("lang", ["en", "zh-CN"])
def test_a_phone_need_not_scroll_sideways(logged_in: Page, address: str, apply: Apply, path: str, lang: str):
    fair = {"starts_at": "2026-05-01T09:00:00+08:00", "ends_at": "2026-05-01T17:00:00Z"}
    apply(
        opened(),
        titled("t", "a" * 200, measure="paid", goal=123_456_789),
        signed_up("c1", name="b" * 100, email=f"{'c' * 60}@example.com"),
        event("opening.set", opening="o", employer="d" * 80, position="e" * 80, seats=1_000_000),
        event("fair.scheduled", fair="f", title="f" * 90, mode="hybrid", venue="g" * 90, **fair),
    )
    logged_in.set_viewport_size({"width": 360, "height": 740})
    logged_in.goto(f"{address}{path}?lang={lang}")
    assert logged_in.evaluate("document.documentElement.scrollWidth") <= 360


def test_what_came_from_outside_is_text(logged_in: Page, address: str, apply: Apply):
    apply(opened(), titled("t", SCRIPT), signed_up("c1", name=SCRIPT, fair=SCRIPT))
    for path in ("/", f"/campaigns/{CAMPAIGN}", f"/candidates/{CAMPAIGN}/c1", "/wall"):
        logged_in.goto(address + path)
        expect(logged_in.get_by_text(SCRIPT).first).to_be_visible()


def test_an_organizer_finds_a_candidate(logged_in: Page, address: str, apply: Apply):
    apply(opened(), signed_up("c/ 1", name="李雷", education="doctor"), hired("c/ 1"))
    logged_in.goto(f"{address}/campaigns/{CAMPAIGN}")
    logged_in.get_by_role("searchbox").fill("c/ 1")
    logged_in.get_by_role("button", name="Show").click()
    logged_in.get_by_role("link", name="李雷").click()
    expect(logged_in.get_by_role("heading", name="李雷")).to_be_visible()
    expect(logged_in.locator(".timeline li")).to_have_count(2)


def test_it_says_when_it_is_not_live_and_that_it_is_again(
    context: BrowserContext, address: str, apply: Apply, make_session: Callable[..., str]
):
    apply(opened(), titled("t", "Graduates"))
    context.add_cookies([{"name": COOKIE, "value": make_session("viewer"), "url": address}])
    page = context.new_page()
    page.goto(address)
    expect(page.locator("#live")).to_have_text("Live")
    page.route("**/targets/stream*", lambda route: route.fulfill(status=503))
    page.evaluate("dispatchEvent(new PageTransitionEvent('pagehide'))")
    page.evaluate("dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))")
    expect(page.locator("#live")).to_contain_text("Reconnecting…")
    page.unroute("**/targets/stream*")
    apply(hired("c1"))
    expect(page.locator("#live")).to_have_text("Live")
    expect(page.locator("[data-number]")).to_have_text("1")


@pytest.mark.parametrize("also", [None, "newer"])
def test_what_comes_while_the_page_is_drawn_anew_stays(logged_in: Page, address: str, apply: Apply, also: str | None):
    nobodys = {"employer": ["nobody"]}
    apply(opened(), titled("t", "Graduates", goal=10), hired("c1"))
    logged_in.goto(address)
    number = logged_in.locator('[data-target="t"] [data-number]')
    expect(logged_in.locator("#live")).to_have_text("Live")
    held: list[tuple[Route, APIResponse]] = []
    logged_in.route(address + "/", lambda route: held.append((route, route.fetch())), times=1)
    apply(titled("new", "New", where=nobodys))
    until(logged_in, lambda: bool(held))
    apply(hired("c2"), *([titled(also, "Newer", where=nobodys)] if also else []))
    expect(number).to_have_text("2")
    route, old = held[0]
    route.fulfill(response=old)
    expect(logged_in.locator('[data-target="new"] .name')).to_have_text("New")
    expect(number).to_have_text("2")
    expect(logged_in.locator('[data-target="newer"]')).to_have_count(1 if also else 0)


def test_targets_that_this_page_does_not_show_leave_it_alone(logged_in: Page, address: str, apply: Apply):
    def elsewhere(number: int) -> dict[str, Any]:
        made = titled("t", "There", where={"employer": [f"e{number}"]})
        return made | {"data": {**made["data"], "campaign": f"z{number:02}"}}

    apply(opened(), titled("t", "Here"), *[elsewhere(number) for number in range(CAMPAIGNS_A_PAGE)])
    drawn: list[str] = []
    logged_in.on("request", lambda request: drawn.append(request.url) if request.url == address + "/" else None)
    until_looked(logged_in, address)
    logged_in.goto("about:blank")  # the page before may still have itself drawn anew
    drawn.clear()
    logged_in.goto(address)
    expect(logged_in.locator("#live")).to_have_text("Live")
    last = CAMPAIGNS_A_PAGE - 1
    for day in (1, 2):
        there = hired("c1", employer=f"e{last}", id=f"h{day}", time=f"2026-04-0{day}T00:00:00Z")
        apply(there | {"data": {**there["data"], "campaign": f"z{last:02}"}})
        apply(hired(f"c{day}"))
        expect(logged_in.locator(f'[data-campaign="{CAMPAIGN}"] [data-number]')).to_have_text(str(day))
    assert len(drawn) == 1


WATCH_NUMBERS = """() => {
  window.shown = [];
  const note = () => shown.push(document.querySelector('[data-target="t"] [data-number]').textContent);
  new MutationObserver(note).observe(document.body, { subtree: true, childList: true, characterData: true });
}"""


def test_a_number_only_ever_shows_what_was_so(logged_in: Page, address: str, apply: Apply):
    apply(opened(), titled("t", "Graduates", goal=50))
    logged_in.goto(f"{address}/campaigns/{CAMPAIGN}")
    expect(logged_in.locator("#live")).to_have_text("Live")
    logged_in.evaluate(WATCH_NUMBERS)
    for number in range(1, 21):
        apply(hired(f"c{number}"))
        if number == 10:
            apply(titled("new", "Another", where={"employer": ["nobody"]}))
    expect(logged_in.locator('[data-target="t"] [data-number]')).to_have_text("20")
    expect(logged_in.locator('[data-target="new"] .name')).to_have_text("Another")
    shown = [int(number) for number in logged_in.evaluate("shown")]
    assert shown == sorted(shown)
    assert logged_in.locator('[data-target="t"] .fill').get_attribute("width") == "40.0%"


def test_charts_and_the_funnel_follow(logged_in: Page, address: str, apply: Apply):
    apply(opened(), titled("t", "Graduates", goal=50))
    logged_in.goto(f"{address}/campaigns/{CAMPAIGN}")
    expect(logged_in.locator("#live")).to_have_text("Live")
    logged_in.evaluate("window.neverReloaded = true")
    apply(hired("c1"), hired("c2"))
    expect(logged_in.locator("#steps .strong").last).to_have_text("2")
    expect(logged_in.locator(".chart .plot")).to_have_attribute("aria-label", re.compile(r"\b2\b"))
    assert logged_in.evaluate("window.neverReloaded")


def test_a_page_holds_no_more_after_thousands_of_changes(logged_in: Page, address: str, apply: Apply):
    apply(opened(), titled("t", "Graduates", goal=50))
    logged_in.goto(address)
    expect(logged_in.locator("#live")).to_have_text("Live")
    card = logged_in.locator("article").evaluate("card => card.outerHTML").replace("\n", " ")
    told = [card.replace(">0<", f">{number}<").replace('data-revision="', 'data-revision="9') for number in range(5001)]
    body = "".join([f"event: put\ndata: {each}\n\n" for each in told])
    logged_in.route("**/targets/stream*", lambda route: route.fulfill(content_type="text/event-stream", body=body))
    protocol = logged_in.context.new_cdp_session(logged_in)

    def nodes() -> int:
        protocol.send("HeapProfiler.collectGarbage")
        return int(protocol.send("Memory.getDOMCounters")["nodes"])

    logged_in.reload()
    expect(logged_in.locator("[data-number]")).to_have_text("5000")
    before = nodes()
    logged_in.locator("[data-number]").evaluate("number => { number.textContent = 'none'; }")
    logged_in.evaluate("dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))")
    expect(logged_in.locator("[data-number]")).to_have_text("5000")
    assert nodes() < before + 500


def test_a_viewer_is_told_of_no_funnel(
    context: BrowserContext, page: Page, address: str, apply: Apply, make_session: Callable[..., str]
):
    apply(opened(), titled("t", "Graduates", goal=50), hired("c1"))
    context.add_cookies([{"name": COOKIE, "value": make_session("viewer"), "url": address}])
    page.goto(f"{address}/campaigns/{CAMPAIGN}")
    heard = page.evaluate(
        """url => new Promise(done => {
          const source = new EventSource(url);
          source.addEventListener("put", event => { source.close(); done(event.data); });
        })""",
        f"/targets/stream?campaign={CAMPAIGN}&of=charts&seen=",
    )
    assert "<figure" in heard
    assert "funnel" not in heard


def test_what_a_reader_holds_stays_where_the_page_is_drawn_anew(logged_in: Page, address: str, apply: Apply):
    fair = {"mode": "onsite", "starts_at": "2094-05-01T09:00:00+08:00", "ends_at": "2094-05-01T17:00:00Z"}
    fairs = [event("fair.scheduled", fair=f"f{number}", title="Fair", **fair) for number in range(9)]
    apply(opened(), titled("t", "First"), *fairs)
    logged_in.goto(f"{address}/campaigns/{CAMPAIGN}")
    expect(logged_in.locator("#live")).to_have_text("Live")
    logged_in.get_by_text("All 9 fairs").click()
    find = logged_in.get_by_role("searchbox")
    find.fill("half a na")
    apply(titled("a", "Another"))
    expect(logged_in.locator('[data-target="a"]')).to_be_visible()
    expect(find).to_have_value("half a na")
    expect(find).to_be_focused()
    expect(logged_in.locator("details").filter(has_text="All 9 fairs")).to_have_attribute("open", "")


def test_a_note_says_when_what_it_tells_of_counts(
    logged_in: Page, address: str, apply: Apply, apply_what_waits: Callable[[], None]
):
    apply(opened())
    logged_in.goto(f"{address}/forms/candidate?campaign={CAMPAIGN}")
    logged_in.get_by_label("Name").fill("李雷")
    logged_in.get_by_role("button", name="Save").click()
    note = logged_in.locator(".notice")
    expect(note).to_contain_text("It is being counted")
    apply_what_waits()
    expect(note).not_to_contain_text("It is being counted")
    expect(note).to_contain_text("saved")


def until_looked(page: Page, address: str) -> None:
    """Until the web app has looked at the targets: before it did, it has each page drawn anew."""
    for _ in range(100):
        page.goto(address)
        if page.locator("#live").get_attribute("data-seen"):
            return
        page.wait_for_timeout(50)
    raise AssertionError("it did not look")


def test_a_link_to_the_other_language_stays_on_this_site(context: BrowserContext, address: str):
    page = context.new_page()
    page.goto(f"{address}//elsewhere.example/x")
    link = page.get_by_role("link", name="中文")
    assert link.evaluate("link => link.host") == address.removeprefix("http://")
    link.click()
    expect(page.locator("html")).to_have_attribute("lang", "zh-CN")


def test_what_was_withdrawn_while_the_web_app_was_away_goes(
    context: BrowserContext, database_url: str, apply: Apply, make_session: Callable[..., str]
):
    apply(opened(), titled("t", "Graduates"), titled("old", "Old"))
    port = free_port()
    page = context.new_page()  # that nobody answers for a while stands on its console
    with served(database_url, port=port) as address:
        context.add_cookies([{"name": COOKIE, "value": make_session("viewer"), "url": address}])
        page.goto(address)
        expect(page.locator("#live")).to_have_text("Live")
    expect(page.locator("#live")).to_contain_text("Reconnecting…")
    apply(event("target.withdrawn", target="old", time="2026-04-01T00:00:00Z"))
    with served(database_url, port=port):
        expect(page.locator("#live")).to_have_text("Live")
        expect(page.locator('[data-target="old"]')).to_have_count(0)
        page.close()


def until(page: Page, condition: Callable[[], bool]) -> None:
    """Wait while the page goes on."""
    for _ in range(500):
        if condition():
            return
        page.wait_for_timeout(20)
    raise AssertionError("it did not happen within ten seconds")
