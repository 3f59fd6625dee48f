"""One identity: what is outside names a message by what nobody can guess, and nothing of another's moves it."""

from __future__ import annotations

import re
from typing import Any

import httpx

from notifications.links.limits import AT_ONCE
from notifications.sending.signed_links import load
from schemas.facts import validate_event
from storage.ledger import ledger
from tests.facts import event
from tests.integration.world import OFFER, World, confirmed, fair, person


async def offered(world: World) -> str:
    await confirmed(world, fair(world.office), person(), event("offer.extended", candidate="c1", **OFFER))
    return await world.link("offers")


async def test_a_link_holds_no_row_s_number_and_none_opens_anything(world: World):
    path = await offered(world)
    [(number,)] = await world.office.rows("SELECT id FROM messages WHERE kind = 'offer'")
    async with world.office.pool.connection() as conn:
        links = await load(conn, "https://park.example")
    assert links.read("answer", path.removeprefix("/offers/")) != str(number)
    await world.page(f"/offers/{links.token('answer', str(number))}", 404)


async def test_links_of_mails_from_before_go_on_to_work_and_those_of_later_numbers_do_not(world: World):
    await offered(world)
    [(number,)] = await world.office.rows("SELECT id FROM messages WHERE kind = 'offer'")
    await world.office.change(f"INSERT INTO secrets (name, value) VALUES ('numbered_until', '{number}')")
    async with world.office.pool.connection() as conn:
        links = await load(conn, "https://park.example")
    assert "Chemist" in await world.page(f"/offers/{links.token('answer', str(number))}")
    await world.page(f"/offers/{links.token('answer', str(number + 1))}", 404)


async def test_a_foreign_fact_of_the_same_name_swallows_no_answer(world: World):
    path = await offered(world)
    [nonce] = (await world.office.names("WHERE kind = 'offer'")).values()
    foreign = event("candidate.withdrew", id=f"{nonce}-1", source="/offers", candidate="somebody-else")
    async with world.office.pool.connection() as conn:
        await ledger.append(conn, [validate_event(foreign)], posted_by=None)
    answer = await answered(world, path, "accepted")
    assert answer.status_code == 409
    assert "Accept the offer" in answer.text


async def test_one_link_writes_so_many_facts_and_no_more(world: World):
    path = await offered(world)
    posts = 2 * AT_ONCE
    codes = [(await answered(world, path, ("accepted", "declined")[n % 2])).status_code for n in range(posts)]
    assert 429 in codes
    assert len(await world.said()) < posts


async def test_the_same_answer_again_is_no_fact(world: World):
    path = await offered(world)
    for _ in range(3):
        assert (await answered(world, path, "accepted")).status_code == 303
    assert len(await world.said()) == 1


async def answered(world: World, path: str, answer: str) -> httpx.Response:
    found = re.search(r'name="version" value="([0-9a-f]+)"', await world.page(path))
    form: dict[str, Any] = {"answer": answer, "version": found[1] if found else ""}
    return await world.http.post(path, data=form)
