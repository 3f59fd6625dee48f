"""Two officers at once on the same candidate, each in a browser of their own: both facts stand, and each sees what the
other said."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from schemas.settings import Settings
from storage.database import Conn, make_pool
from tests.access import csrf
from tests.facts import CAMPAIGN, event, opened, signed_up
from tests.integration.forms import facts, signed_in
from tests.integration.office import Office
from yinfeng.web.app import create_app

Sent = tuple[str, dict[str, str]]  # where a form is, and what is typed into it
PERSON = f"/candidates/{CAMPAIGN}/c1?lang=en"
WHO = f"campaign={CAMPAIGN}&candidate=c1"


@pytest.fixture
async def office(database_url: str) -> AsyncIterator[Office]:
    async with make_pool(database_url, name="test") as pool:
        made = Office(pool)
        await made.tell(opened(), signed_up("c1", name="李雷", school="Old school"))
        yield made


@pytest.fixture
async def app(database_url: str, office: Office) -> AsyncIterator[Any]:
    """A web app, and a worker that applies what its forms post."""
    made = create_app(Settings(database_url=database_url, kafka="127.0.0.1:1"))

    async def work() -> None:
        while True:
            await office.apply_what_waits()
            await asyncio.sleep(0.02)

    async with made.router.lifespan_context(made):
        working = asyncio.create_task(work())
        yield made
        working.cancel()


async def page_of(http: httpx.AsyncClient, at: str) -> dict[str, str]:
    """A form's page, as it is open in front of somebody: what its hidden fields hold."""
    page = (await http.get(at)).text
    token = re.search(r'name="form" value="(\w+)"', page)
    assert token, page
    return {"csrf": csrf(page), "form": token[1]}


async def both(
    app: Any, conn: Conn, first: tuple[str, dict[str, str]], second: tuple[str, dict[str, str]]
) -> list[Any]:
    """Both open their form before either sends; then they send at the same moment. Returns their browsers."""
    browsers = [await signed_in(app, conn, email=f"{name}@example.com", name=name) for name in ("wang", "li")]
    sent = []
    opened_forms = [await page_of(http, at) for http, (at, _) in zip(browsers, (first, second), strict=True)]
    for http, hidden, (at, typed) in zip(browsers, opened_forms, (first, second), strict=True):
        sent.append(http.post(at, data={**hidden, **typed}))
    answers = await asyncio.gather(*sent)
    assert [each.status_code for each in answers] == [303, 303]
    return browsers


async def test_what_both_change_stands(app: Any, conn: Conn):
    """Each changes another particular of somebody; a form says again what it showed, so that the later word wins where
    they differ, and what was said before stays on record."""
    at = f"/forms/candidate?{WHO}"
    known = {"name": "李雷", "school": "Old school"}
    browsers = await both(
        app, conn, (at, {**known, "phone": "13800000001"}), (at, {**known, "email": "lilei@example.com"})
    )
    for http in browsers:
        page = (await http.get(PERSON)).text
        for said in ("13800000001", "lilei@example.com", "Old school", "by wang", "by li"):
            assert said in page, said
    assert len(await facts(conn, "candidate.signed_up")) == 2


async def test_one_offers_while_the_other_withdraws(app: Any, conn: Conn):
    offer = {"employer": "huayou", "position": "Chemist"}
    browsers = await both(
        app, conn, (f"/forms/offer?{WHO}", offer), (f"/forms/withdraw?{WHO}", {"reason": "Moves away"})
    )
    for http in browsers:
        page = (await http.get(PERSON)).text
        for said in ("huayou · Chemist", "Withdrew", "Moves away", "by wang", "by li"):
            assert said in page, said
    assert {each["type"] for each in await facts(conn)} == {"offer.extended", "candidate.withdrew"}


async def test_both_offer_the_last_seat(app: Any, conn: Conn, office: Office):
    """Neither offer is lost. Who comes after is asked first: the sum has the other's."""
    await office.tell(event("opening.set", opening="op", employer="huayou", position="Chemist", seats=1))
    at = f"/forms/offer?{WHO}"
    http, *_ = await both(app, conn, (at, {"opening": "op"}), (at, {"opening": "op"}))
    said = (await http.get(PERSON)).text
    assert said.count("<strong>Offer extended</strong>") == 2
    third = await http.post(at, data={**await page_of(http, at), "opening": "op"})
    assert third.status_code == 409
    assert "Offers accepted or open: 2; with these 1: 3." in third.text


async def test_one_undoes_what_the_other_goes_on_from(app: Any, conn: Conn):
    """The undo takes back its own fact alone."""
    browsers = await both(
        app,
        conn,
        (f"/forms/interview?{WHO}", {"employer": "huayou", "day": "2026-05-01", "outcome": "passed"}),
        (f"/forms/offer?{WHO}", {"employer": "huayou", "position": "Chemist"}),
    )
    [interview] = await facts(conn, "candidate.interviewed")
    token = interview["id"].removesuffix("-0")
    word = csrf((await browsers[0].get("/")).text)
    undo = {"csrf": word, "token": token, "next": "/"}
    assert (await browsers[0].post(f"/forms/undo?campaign={CAMPAIGN}", data=undo)).status_code == 303
    page = (await browsers[1].get(PERSON)).text
    assert "Offer extended" in page
    assert "Retracted" in page
