"""All that is held about a person, as a page in both languages; for themselves, and for who hands it to them."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.catalogue import CATALOGUE
from schemas.marks import marked
from tests.facts import CAMPAIGN, event
from tests.integration.world import World, as_cookie, confirmed, fair, person

PATH = f"/candidates/{CAMPAIGN}/c1/data"
pytestmark = pytest.mark.usefixtures("soon")


async def told(world: World) -> set[str]:
    """Say something in every personal field of the catalogue, and in what an envelope may have. What was said."""
    said, wanted = [], set()
    for nth, (type, row) in enumerate(CATALOGUE.items()):
        fields = marked(row.data, "personal")
        if not fields or "candidate" not in row.data.model_fields:
            continue
        values: dict[str, Any] = {name: f"{name}{nth}@example.com" for name in fields if name != "phone"}
        values |= {"phone": f"+8613800{nth:06}"} if "phone" in fields else {}
        wanted |= set(values.values())
        example = {**row.example, **values, "campaign": CAMPAIGN, "candidate": "c1"}
        said.append({**event(type, id=f"all{nth}", time="2026-03-08T08:00:00+08:00"), "data": example})
    said[0] |= {"subject": "Of Li", "comexampleref": "a note of theirs"}
    await confirmed(world, fair(world.office), person(), *said)
    await world.office.sender().send_all()
    return wanted | {"Of Li", "a note of theirs"}


async def test_every_personal_mark_is_on_the_persons_own_page_in_both_languages(world: World):
    wanted = await told(world)
    mine = await world.link("me")
    for lang in ("en", "zh-CN"):
        page = await world.page(f"{mine}/data?lang={lang}")
        assert not [each for each in wanted if each not in page], lang
        assert "Spring fair" in page
    held = (await world.http.get(f"{mine}/data.json")).text
    assert not [each for each in wanted if each not in held]


async def test_the_organizer_has_it_too_and_it_is_in_the_audit(world: World):
    wanted = await told(world)
    cookie = await as_cookie(world)
    for path in (PATH, f"{PATH}?lang=zh-CN", f"{PATH}.json"):
        text = (await world.http.get(path, headers=cookie)).text
        assert not [each for each in wanted if each not in text], path
    audited = await world.office.rows("SELECT subject FROM audit WHERE action = 'person_exported'")
    assert audited == [("c1",)] * 3
    assert f"{PATH}" in await world.page(f"/candidates/{CAMPAIGN}/c1", **cookie)


async def test_nobody_else_has_it(world: World):
    await told(world)
    assert (await world.http.get(PATH, headers=world.employer)).status_code == 403
    assert (await world.http.get(PATH)).status_code in (302, 303, 401)
    await world.page(f"/candidates/{CAMPAIGN}/nobody/data", 404, **await as_cookie(world))
    await world.office.tell(event("candidate.restricted", candidate="c1", ground="law"))
    await world.page(PATH, 404, **await as_cookie(world))
    await world.page(f"{PATH}.json", 404, **await as_cookie(world))


async def test_mails_to_others_tell_of_the_person_but_not_what_they_say_of_further_ones(world: World):
    offer = {"offer": "o1", "employer": "huayou", "position": "Chemist"}
    both = [event("offer.extended", candidate=each, **offer) for each in ("c1", "c2")]
    both += [event("offer.accepted", candidate=each, offer="o1") for each in ("c1", "c2")]
    await confirmed(world, fair(world.office), person(), person("c2"), *both)
    mine = await world.link("me")
    page = await world.page(f"{mine}/data")
    assert "to the organizer, about the person" in page
    assert "Name c2" not in page
    assert "Name c2" not in (await world.http.get(f"{mine}/data.json")).text


async def test_of_who_was_erased_the_page_says_that_and_no_more(world: World):
    await told(world)
    await world.office.tell(event("candidate.erased", candidate="c1", time="2026-12-08T08:00:00+08:00"))
    page = await world.page(PATH, **await as_cookie(world))
    assert "Erased" in page
    assert "@example.com" not in page
