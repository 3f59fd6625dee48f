"""A new HR officer's first day, by the pages alone: from the one-time link to hires that count."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.access import PASSWORD


def begin(page: Page, link: str) -> None:
    """Take up the link that `yinfeng up` prints."""
    page.goto(link)
    page.get_by_label("Name").fill("王芳")
    page.get_by_label("E-mail").fill("wang@example.com")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_label("The same once more").fill(PASSWORD)
    page.get_by_role("button", name="Begin").click()
    expect(page.get_by_role("heading", name="No campaign yet")).to_be_visible()


def save(page: Page) -> None:
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".notice")).to_contain_text("saved")


def open_campaign(page: Page) -> str:
    """The wizard: particulars, a target, an opening, a series of fairs. Returns the campaign's page."""
    page.get_by_role("link", name="Open a campaign").click()
    page.get_by_label("What is it called?").fill("2026届毕业生招聘 Graduates")
    page.get_by_label("Organizer").fill("Jinhu Park")
    page.get_by_label("First day").fill("2026-01-05")
    page.get_by_label("Last day").fill("2026-12-31")
    save(page)
    page.get_by_label("What is counted?").select_option("hired")
    page.get_by_label("How many?").fill("2,000")
    page.get_by_label("Until when?").fill("2026-12-31")
    save(page)
    expect(page.locator("main")).to_contain_text("Hired 0 / 2,000")
    page.get_by_role("link", name="On to: Employers").click()
    page.get_by_role("link", name="On to: Openings").click()
    page.get_by_label("Employer").fill("华友 Huayou")
    page.get_by_label("Position").fill("Process engineer")
    page.get_by_label("How many seats?").fill("2")
    save(page)
    page.get_by_role("link", name="On to: Fairs").click()
    page.get_by_label("Title").fill("Spring fair")
    page.get_by_label("Day", exact=True).fill("2026-04-04")
    page.get_by_label("Employers that take part").fill("华友 Huayou\nBosch")
    page.get_by_label("Every week until").fill("2026-04-25")
    save(page)
    expect(page.locator(".notice")).to_contain_text("× 4")
    page.get_by_role("link", name="To the campaign").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Graduates")
    return page.url


def add_candidates(page: Page, campaign: str, names: list[str]) -> None:
    for name in names:
        page.goto(campaign)
        page.get_by_role("link", name="Add a candidate").click()
        page.get_by_label("Name").fill(name)
        page.get_by_label("E-mail").fill("someone@example.com")
        page.get_by_label("Education").select_option("bachelor")
        save(page)
        expect(page.get_by_role("heading", level=1)).to_contain_text(name)


def choose(page: Page, campaign: str, names: list[str], what: str) -> None:
    """Choose people of the list, and what happened."""
    page.goto(campaign)
    page.get_by_role("link", name="Candidates", exact=True).click()
    for name in names:
        page.get_by_role("checkbox", name=name, exact=True).check()
    page.get_by_role("button", name=what).click()


def offer_and_hire(page: Page, campaign: str, names: list[str]) -> None:
    """Three offers for two seats ask first; then hires, which count."""
    choose(page, campaign, names, "Make an offer")
    page.get_by_label("For which opening?").select_option(label="华友 Huayou · Process engineer")
    page.get_by_role("button", name="Make the offer").click()
    expect(page.get_by_role("alert").last).to_contain_text("Seats: 2")
    page.get_by_role("button", name="Make the offers all the same").click()
    expect(page.locator(".notice")).to_contain_text("× 3")
    choose(page, campaign, names[:2], "Record a hire")
    page.get_by_label("Employer").fill("华友 Huayou")
    save(page)
    page.goto(campaign)
    expect(page.locator("[data-number]")).to_have_text("2")


def undo(page: Page, campaign: str, name: str) -> None:
    """A hire by mistake, taken back with one click."""
    choose(page, campaign, [name], "Record a hire")
    page.get_by_label("Employer").fill("Bosch")
    save(page)
    page.get_by_role("button", name="Undo").click()
    expect(page.locator(".notice")).to_contain_text("Undone")
    page.goto(campaign)
    expect(page.locator("[data-number]")).to_have_text("2")
