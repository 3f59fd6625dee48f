"""A year of an HR officer: what is to be done, from where, and with how many clicks at most."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import unquote, urlsplit
from zoneinfo import ZoneInfo

from playwright.sync_api import expect

from tests.browser.officer import Officer
from tests.facts import event, signed_up

SHANGHAI: Final = ZoneInfo("Asia/Shanghai")
HUAYOU: Final = "华友钴业"
BOSCH: Final = "博世"
GUEST: Final = "欧阳娜娜"


@dataclass
class Year:
    """One officer's campaign; `address` is that of the platform, `campaign` the campaign's, once it is opened."""

    officer: Officer
    address: str
    last_year: str
    campaign: str = ""

    @property
    def here(self) -> str:
        return f"{self.address}/campaigns/{self.campaign}"


@dataclass(frozen=True)
class Task:
    """`most`: clicks that it may take, each choice in a select among them. Tasks begin at the campaign's page, unless
    they go on where the one before ended."""

    name: str
    most: int
    do: Callable[[Year], None]
    goes_on: bool = False


def last_year(campaign: str) -> list[dict[str, Any]]:
    """The campaign before this one, with a fair."""
    about = {"title": "Graduates, last year", "organizer": "Park", "starts_on": "2025-01-01", "ends_on": "2025-12-31"}
    times = {"starts_at": "2025-03-08T09:30:00+08:00", "ends_at": "2025-03-08T15:00:00+08:00"}
    fair = {"fair": "spring", "title": "春季双选会 2025", "mode": "onsite", "venue": "东院体育馆", **times}
    return _of(campaign, [event("campaign.opened", **about), event("fair.scheduled", **fair)])


def people(campaign: str) -> list[dict[str, Any]]:
    """What desks, employers and candidates said: 50 were interviewed, 10 accepted, 3 work, 10 only came."""
    today = datetime.now(SHANGHAI).replace(hour=8, minute=0)
    times = {"starts_at": today.isoformat(), "ends_at": (today + timedelta(hours=9)).isoformat()}
    said: list[dict[str, Any]] = [
        event("employer.set", employer="huayou", name=HUAYOU),
        event("employer.set", employer="bosch", name=BOSCH),
        event("opening.set", opening="many", employer="huayou", position="Chemist", seats=200),
        event("opening.set", opening="two", employer="bosch", position="Driver", seats=2),
        event("fair.scheduled", fair="today", title="Fair of today", mode="onsite", **times),
        event("target.set", target="bosch", title="At Bosch", measure="hired", goal=3, due_on="2099-12-31",
              where={"employer": ["bosch"]}),
        signed_up("guest", name=GUEST, email="guest@example.com"),
    ]  # fmt: skip
    for kind, number in (("interviewed", 50), ("accepted", 10), ("works", 3), ("came", 10)):
        for nth in range(number):
            said += _person(kind, f"{kind}-{nth}", nth)
    return _of(campaign, said)


def _of(campaign: str, said: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The same of this campaign, each under an id of its own."""
    return [
        {**each, "id": f"{campaign}-{nth}", "data": {**each["data"], "campaign": campaign}}
        for nth, each in enumerate(said)
    ]


def _person(kind: str, who: str, nth: int) -> list[dict[str, Any]]:
    hours = iter(range(9, 18))

    def at(type: str, **data: Any) -> dict[str, Any]:
        return event(type, candidate=who, time=f"2026-03-08T{next(hours):02}:00:00+08:00", **data)

    said = [at("candidate.signed_up", name=f"{chr(0x4E00 + 40 * nth)}{kind} {nth}", education="master")]
    if kind == "works":
        return [*said, at("hire.started", employer="bosch", started_on="2026-03-08")]
    said.append(at("candidate.checked_in", fair="today"))
    if kind == "interviewed":
        said.append(at("candidate.interviewed", employer="huayou", outcome="passed"))
    if kind == "accepted":
        offer = f"offer-{nth}"
        said.append(at("offer.extended", offer=offer, employer="huayou", position="Chemist", opening="many"))
        said.append(at("offer.accepted", offer=offer))
    return said


def open_campaign(year: Year) -> None:
    o = year.officer
    o.link("form.campaign")
    o.fill(title="Graduates 2026", organizer="Park", starts_on="2026-01-05", ends_on="2026-12-31")
    o.button("form.submit")
    o.saved()
    o.choose("measure", "hired")
    o.fill(goal="2,000", due_on="2026-12-31")
    o.button("form.submit")
    o.saved()
    o.click(o.page.get_by_role("main").get_by_role("link", name="Graduates 2026"))
    expect(o.page.locator("h1")).to_have_text("Graduates 2026")
    year.campaign = unquote(urlsplit(o.page.url).path).split("/")[2]


def set_a_target(year: Year) -> None:
    o = year.officer
    o.link("form.target")
    o.choose("measure", "hired")
    o.fill(goal="100", due_on="2026-11-30")
    o.check(o.page.locator("input[name='education'][value='master']"))
    o.button("preview.look")
    expect(o.page.get_by_role("status").last).to_contain_text("3")
    o.button("form.submit")
    o.saved()


def raise_a_goal(year: Year) -> None:
    o = year.officer
    o.link("act.change", within=".card", about="2,000")
    o.fill(goal="2,500")
    o.button("form.submit")
    o.saved()
    expect(o.page.locator("main")).to_contain_text("2,500")


def name_an_employer(year: Year) -> None:
    o = year.officer
    o.link("form.employer")
    o.fill(name="宁德时代", city="宁德", reply_to="hr@catl.example")
    o.button("form.submit")
    o.saved()


def add_an_opening(year: Year) -> None:
    o = year.officer
    o.link("form.opening")
    o.fill(employer="宁德时代", position="Engineer", seats="5")
    o.button("form.submit")
    o.saved()


def schedule_a_series(year: Year) -> None:
    o = year.officer
    o.link("form.fair")
    o.fill(title="Saturdays in April", day="2027-04-03", employers=HUAYOU, weekly_until="2027-04-24")
    o.button("form.submit")
    o.saved()
    expect(o.page.locator(".notice")).to_contain_text("× 4")


def copy_last_year_s_fair(year: Year) -> None:
    o = year.officer
    o.link("form.fair")
    o.choose("like", f"{year.last_year}/spring")
    o.button("fair.like.do")
    expect(o.page.locator("[name='venue']")).to_have_value("东院体育馆")
    o.button("form.submit")
    o.saved()


def cancel_a_fair(year: Year) -> None:
    o = year.officer
    o.link("act.cancel", within="tr", about="春季双选会 2025")
    o.fill(reason="Rain")
    o.button("form.cancel_fair.submit")
    o.saved()


def sign_up_a_candidate(year: Year) -> None:
    o = year.officer
    o.link("form.candidate")
    o.fill(name="李思雨", email="siyu@example.com")
    o.choose("education", "master")
    o.button("form.submit")
    o.saved()
    expect(o.page.locator("h1")).to_contain_text("李思雨")


def find_by_pinyin_and_check_in(year: Year) -> None:
    o = year.officer
    o.fill(q="oynn")
    o.button("candidates.go")
    o.click(o.page.get_by_role("link", name=GUEST))
    o.link("form.checkin")
    o.button("form.submit")
    o.saved()


def take_back_the_mistaken_check_in(year: Year) -> None:
    """Later than the half minute for which one click undoes it."""
    o = year.officer
    o.link("form.retract", within=".timeline > li", about=o.says("fact.candidate.checked_in"))
    o.fill(reason="Another person")
    o.button("form.retract.submit")
    o.saved()
    expect(o.page.locator(".timeline").first).to_contain_text(o.says("candidate.retracted"))


def undo_at_once(year: Year) -> None:
    o = year.officer
    o.link("form.withdraw")
    o.button("form.submit")
    o.saved()
    o.button("notice.undo")
    expect(o.page.locator(".notice")).to_contain_text(o.says("notice.undone"))


def record_ten_interviews(year: Year) -> None:
    o = year.officer
    _list(year, "attended", only=True)
    _choose_all(year)
    o.button("form.interview")
    o.fill(employer=HUAYOU)
    o.choose("outcome", "passed")
    o.button("form.submit")
    expect(o.page.locator(".notice")).to_contain_text("× 10")


def offers_to_sixty(year: Year) -> None:
    o = year.officer
    _list(year, "interviewed", only=True)
    _choose_all(year)
    o.button("form.offer")
    o.choose("opening", "many")
    o.button("form.offer.submit")
    expect(o.page.locator(".notice")).to_contain_text("× 60")


def more_offers_than_seats(year: Year) -> None:
    o = year.officer
    o.link("people.title")
    for nth in range(3):
        o.check(o.page.locator("input[name='candidate']").nth(nth))
    o.button("form.offer")
    o.choose("opening", "two")
    o.button("form.offer.submit")
    sum = o.says("form.over_hire.sum", seats="2", standing="0", new="3", sum="3")
    expect(o.page.get_by_role("alert")).to_contain_text(sum)
    o.button("form.over_hire.sure")
    expect(o.page.locator(".notice")).to_contain_text("× 3")


def record_ten_hires(year: Year) -> None:
    o = year.officer
    o.click(o.page.locator(".figures").get_by_role("link", name=o.says("figures.accepted")))
    _choose_all(year)
    o.button("form.hire")
    o.button("form.submit")
    expect(o.page.locator(".notice")).to_contain_text("× 10")


def record_a_leaver(year: Year) -> None:
    o = year.officer
    o.fill(q="works 0")
    o.button("candidates.go")
    o.click(o.page.get_by_role("link", name="works 0"))
    o.link("form.leaver")
    o.fill(reason="Moved away")
    o.button("form.submit")
    o.saved()


def explain_a_fall(year: Year) -> None:
    o = year.officer
    o.link("counted.why", within=".card", about="At Bosch")
    today = datetime.now(UTC).astimezone(SHANGHAI).date()
    fell = o.says("changed.fell", day="@", number="1").split("@")[1]
    expect(o.page.get_by_role("main")).to_contain_text(fell)
    expect(o.page.get_by_role("main")).to_contain_text(o.says("fact.hire.ended"))
    assert str(today.day) in o.page.locator("#changed ~ p strong").inner_text()


def take_back_a_wrong_hire(year: Year) -> None:
    o = year.officer
    o.click(o.page.get_by_role("link", name="works 1"))
    o.link("form.retract", within=".timeline > li", about=o.says("fact.hire.started"))
    o.fill(reason="Never came")
    o.button("form.retract.submit")
    o.saved()


def pay_a_benefit(year: Year) -> None:
    o = year.officer
    o.link("form.benefit")
    o.choose("kind", "rent_subsidy")
    o.choose("step", "paid")
    o.fill(amount="1,200")
    o.button("form.submit")
    o.saved()


def keep_a_list(year: Year) -> None:
    o = year.officer
    _list(year, "hired")
    o.fill(name="Who works")
    o.button("people.keep.save")
    o.click(o.page.locator(".views").get_by_role("link", name="Who works"))
    expect(o.page.locator("#stage")).to_have_value("hired")


def export(year: Year) -> None:
    o = year.officer
    with o.page.expect_download() as download:
        o.link("counted.xlsx")
    assert download.value.suggested_filename.endswith(".xlsx")


def invite_a_colleague(year: Year) -> None:
    o = year.officer
    o.link("nav.accounts", within=".top")
    o.click(o.page.locator("#invite > summary"))
    o.fill(within="#invite", name="同事", email=f"{year.campaign}@example.com")
    o.button("accounts.invite.submit")
    expect(o.page.locator("main")).to_contain_text("/welcome/")


def make_a_wall_s_link(year: Year) -> None:
    o = year.officer
    o.link("nav.walls", within=".top")
    details = o.page.locator("details", has=o.page.locator("input[name='name']"))
    if not details.get_attribute("open") and details.get_attribute("open") != "":
        o.click(details.locator("summary"))
    o.fill(name=f"Hall {year.campaign}")
    o.check(o.page.locator(f"input[name='campaigns'][value='{year.campaign}']"))
    o.button("walls.make.submit")
    expect(o.page.locator("main")).to_contain_text("/wall/")


def print_the_report(year: Year) -> None:
    o = year.officer
    o.page.evaluate("window.print = () => { window.printed = true; }")
    o.button("print.do")
    assert o.page.evaluate("window.printed") is True


def close_the_campaign(year: Year) -> None:
    o = year.officer
    o.click(o.page.locator("details.menu > summary"))
    o.link("form.close")
    o.button("form.close.submit")
    o.saved()
    expect(o.page.locator("main")).to_contain_text(o.says("campaign.closed"))


def _list(year: Year, stage: str, *, only: bool = False) -> None:
    """The candidates who have reached a step."""
    o = year.officer
    o.link("people.title")
    o.choose("stage", stage)
    if only:
        o.check(o.page.locator("input[name='only']"))
    o.button("people.show")


def _choose_all(year: Year) -> None:
    o = year.officer
    o.click(o.page.locator("main a[href*='all=true']"))


BEFORE: Final = Task("open a campaign with its first target", 6, open_campaign)
TASKS: Final = (
    Task("set a target, and see first what it would count", 6, set_a_target),
    Task("raise a goal", 3, raise_a_goal),
    Task("name an employer", 3, name_an_employer),
    Task("add an opening", 3, add_an_opening),
    Task("schedule a fair on each Saturday of a month", 4, schedule_a_series),
    Task("copy last year's fair", 5, copy_last_year_s_fair),
    Task("cancel a fair", 3, cancel_a_fair),
    Task("sign up a candidate", 4, sign_up_a_candidate),
    Task("find somebody by pinyin, and check them in", 5, find_by_pinyin_and_check_in),
    Task("take back a mistaken check-in", 3, take_back_the_mistaken_check_in, goes_on=True),
    Task("undo something at once", 3, undo_at_once, goes_on=True),
    Task("record ten interviews", 8, record_ten_interviews),
    Task("offers to sixty chosen people", 8, offers_to_sixty),
    Task("offers that could pass an opening's seats", 8, more_offers_than_seats),
    Task("record ten hires", 8, record_ten_hires),
    Task("record a leaver", 5, record_a_leaver),
    Task("explain why a number fell", 3, explain_a_fall),
    Task("take back a wrong hire with a reason", 4, take_back_a_wrong_hire, goes_on=True),
    Task("pay a benefit", 5, pay_a_benefit, goes_on=True),
    Task("keep a list", 6, keep_a_list),
    Task("export what is shown", 2, export, goes_on=True),
    Task("invite a colleague", 5, invite_a_colleague),
    Task("make a wall's link", 5, make_a_wall_s_link),
    Task("print the report", 1, print_the_report),
    Task("close the campaign", 4, close_the_campaign),
)
