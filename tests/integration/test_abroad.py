"""Mail that leads abroad waits for its reader's consent where the campaign says so; on a real Postgres."""

from __future__ import annotations

import httpx
import pytest

from schemas.channels import MailChannels
from schemas.settings import Settings
from storage.campaigns import terms
from storage.messages import asking
from tests.facts import CAMPAIGN, event, opened
from tests.integration.office import Office
from tests.integration.world import OFFER, World, as_cookie, fair, person
from yinfeng.web.app import create_app

ABROAD = MailChannels("sendgrid", ("sendgrid", "local"), frozenset({"sendgrid"}))
WAITS = ("held", "waits for consent to go abroad")
pytestmark = pytest.mark.usefixtures("soon")


async def send(office: Office, *, abroad: bool = True) -> None:
    sender = office.sender(channels=ABROAD if abroad else MailChannels())
    await sender.sweep()
    await sender.send_all()


async def demanded(world: World, *, waits: bool = True) -> None:
    async with world.office.pool.connection() as conn:
        await terms.wait_for_consent(conn, CAMPAIGN, waits=waits, by="Li")


def consent(word: str = "given") -> dict[str, object]:
    return event(f"consent.{word}", candidate="c1", purpose="abroad", time="2026-03-09T09:00:00+08:00")


async def test_a_mail_waits_until_its_reader_agrees(world: World):
    await demanded(world)
    await world.office.tell(opened(), fair(world.office), person(), person("c2"))
    await send(world.office)
    assert await world.office.status_of("c1") == WAITS
    await world.office.tell(consent())
    await send(world.office)
    assert await world.office.status_of("c1") == ("sent", None)
    assert await world.office.status_of("c2") == WAITS
    [(held,)] = await world.office.rows("SELECT id FROM messages WHERE status = 'held'")
    cookie = await as_cookie(world)
    assert "waits for consent to go abroad" in await world.page(f"/messages/{held}", **cookie)
    assert "等待本人同意" in await world.page(f"/messages/{held}?lang=zh-CN", **cookie)


async def test_who_takes_it_back_gets_no_more(world: World):
    await demanded(world)
    await world.office.tell(opened(), fair(world.office), person(), consent())
    await world.office.tell(event("consent.withdrawn", candidate="c1", purpose="abroad", time="2026-03-10T09:00:00Z"))
    await send(world.office)
    assert await world.office.status_of("c1") == WAITS


@pytest.mark.parametrize(("waits", "abroad"), [(False, True), (True, False)])
async def test_nothing_waits_where_nobody_demands_it_or_nothing_leads_abroad(world: World, waits: bool, abroad: bool):
    await demanded(world, waits=waits)
    await world.office.tell(opened(), fair(world.office), person())
    await send(world.office, abroad=abroad)
    assert await world.office.status_of("c1") == ("sent", None)


async def test_what_waited_goes_once_mail_leads_abroad_no_more(world: World):
    await demanded(world)
    await world.office.tell(opened(), fair(world.office), person())
    await send(world.office)
    assert await world.office.status_of("c1") == WAITS
    await send(world.office, abroad=False)
    assert await world.office.status_of("c1") == ("sent", None)


async def test_what_waited_goes_once_the_campaign_lets_it(world: World):
    await demanded(world)
    await world.office.tell(opened(), fair(world.office), person(), event("offer.extended", candidate="c1", **OFFER))
    await send(world.office)
    await demanded(world, waits=False)
    async with world.office.pool.connection() as conn:
        assert await asking.release_all_abroad(conn, but=[CAMPAIGN]) == []
        assert len(await asking.release_all_abroad(conn, but=await terms.held_for_consent(conn, ABROAD))) == 2
    await send(world.office)
    assert await world.office.status_of("c1", "offer") == ("sent", None)


async def test_the_public_page_and_the_own_page_ask_for_it_where_it_is_demanded(world: World, database_url: str):
    await world.office.tell(opened(), fair(world.office, hours=48), person())
    await send(world.office)
    mine = await world.link("me")
    settings = Settings(database_url=database_url, kafka="127.0.0.1:1", sendgrid_api_key="SG.key")  # type: ignore[arg-type]
    app = create_app(settings)
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://test") as http,
    ):
        for asks in (False, True):
            await demanded(world, waits=asks)
            for path in (f"/fairs/{CAMPAIGN}/f1", mine):
                assert ('name="abroad"' in (await http.get(path)).text) is asks, path
        assert (await http.post(f"{mine}/consent", data={"abroad": "true"})).status_code == 303
    await world.apply()
    [(purpose,)] = await world.office.rows("SELECT event->'data'->>'purpose' FROM facts WHERE type = 'consent.given'")
    assert purpose == "abroad"
    page = await world.page(f"/fairs/{CAMPAIGN}/f1")
    assert 'name="abroad"' not in page  # here mail stays in the mailbox
