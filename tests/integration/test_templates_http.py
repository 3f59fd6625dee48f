"""The pages of templates as HR uses them: gallery, preview, saving, versions, tests, switches; on a real Postgres."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx
import pytest

from schemas.kinds import TEMPLATED
from schemas.settings import Settings
from storage.access import keys
from storage.database import make_pool
from tests.facts import CAMPAIGN, event, opened, signed_up
from tests.integration.office import Office
from yinfeng.web.app import create_app

OFFER = {"offer": "o1", "employer": "华友钴业", "position": "Chemist"}
OF = {"campaign": CAMPAIGN, "kind": "signup_confirmation", "locale": "en"}
PARTS = {
    "subject": "Welcome {{ name }}",
    "content": "# Hello\nSee you, {{ name }}.",
    "footer": "{{ campaign.organizer }}",
}


@dataclass
class Author:
    """Somebody of HR in a browser, and the sender beside."""

    office: Office
    http: httpx.AsyncClient

    async def get(self, path: str, status: int = 200, **query: Any) -> str:
        answer = await self.http.get(path, params=query or None)
        assert answer.status_code == status, answer.text
        return answer.text

    async def post(self, path: str, status: int = 303, **form: Any) -> str:
        answer = await self.http.post(path, data={**OF, **form})
        assert answer.status_code == status, answer.text
        return answer.text

    async def after(self, **of: str) -> str:
        found = re.search(r'name="after" value="(\d*)"', await self.get("/templates/edit", **{**OF, **of}))
        assert found
        return found[1]

    async def save(self, status: int = 303, **changes: str) -> str:
        return await self.post("/templates/edit", status, **{**PARTS, "after": await self.after(), **changes})

    async def mails(self, kind: str = "signup_confirmation") -> list[tuple[str, str]]:
        """What went out: subjects and texts."""
        await self.office.sender().send_all()
        return await self.office.rows(
            "SELECT subject, text FROM messages m JOIN mails ON message = id WHERE kind = %s ORDER BY candidate", [kind]
        )


@pytest.fixture
async def author(database_url: str) -> AsyncIterator[Author]:
    async with make_pool(database_url, name="test") as pool:
        office = Office(pool)
        async with pool.connection() as conn:
            token = await keys.create(conn, name="Wang of HR", role="organizer")
        await office.tell(opened(locale="en"))
        app = create_app(Settings(database_url=database_url, kafka="127.0.0.1:1", hr_email="hr@park.example"))
        headers = {"authorization": f"Bearer {token}", "accept-language": "en", "accept": "text/html"}
        client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test", headers=headers)
        async with app.router.lifespan_context(app), client as http:
            yield Author(office, http)


def person(candidate: str, **more: Any) -> dict[str, Any]:
    return signed_up(candidate, **{"email": f"{candidate}@example.com", **more})


async def test_the_gallery_shows_every_kind_in_both_languages(author: Author):
    page = await author.get("/templates")
    assert page.count("<iframe") == 2 * len(TEMPLATED)
    assert page.count("as Yinfeng brings it") == 2 * len(TEMPLATED)
    for address in re.findall(r'<iframe[^>]* src="([^"]+)"', page):
        assert "</html>" in await author.get(address.replace("&amp;", "&"))
    assert "leads nowhere" not in await author.get("/templates", campaign=CAMPAIGN)
    await author.get("/templates", 404, campaign="nowhere")


@pytest.mark.parametrize("kind", TEMPLATED)
@pytest.mark.parametrize("locale", ["zh-CN", "en"])
async def test_each_can_be_edited_and_saved_as_it_is(author: Author, kind: str, locale: str):
    page = await author.get("/templates/edit", campaign=CAMPAIGN, kind=kind, locale=locale)
    assert "Nobody has changed this template." in page
    assert "<code>campaign.title</code>" in page
    examples = re.findall(r"</code></dt><dd>(.*?)</dd>", page)
    assert [each for each in examples if each in ("True", "False") or each.startswith(("[", "(", "{"))] == []
    for name in ("kind", "locale", "campaign"):
        await author.get("/templates/edit", 404, **{**OF, name: "x"})


async def test_what_is_saved_is_what_goes_out(author: Author):
    await author.office.tell(person("c1"))
    await author.mails()
    await author.save()
    await author.office.tell(person("c2", name="Li"), person("c3", name="李", locale="zh-CN"))
    _, (subject, text), (chinese, _) = await author.mails()
    said, own_page = text.split("\nYour own page: ")
    assert (subject, said) == ("Welcome Li", "Hello\n\nSee you, Li.\n\n--\nPark\n")
    assert own_page.startswith("https://park.example/me/")
    assert chinese.startswith("报名成功")
    page = await author.get("/templates", campaign=CAMPAIGN)
    assert page.count("the campaign&#39;s own, by Wang of HR") == 1


async def test_versions_are_kept_and_the_default_is_one_click_away(author: Author):
    for subject in ("First", "Second"):
        await author.save(subject=subject)
    page = await author.get("/templates/edit", **OF)
    assert ("First" in page, page.count("Wang of HR:"), page.count("in force")) == (True, 2, 1)
    [old] = re.findall(r"version=(\d+)\">First", page)
    again = await author.get("/templates/edit", **OF, version=old)
    assert ("older version" in again, 'rows="2" maxlength="500" spellcheck="false">First<' in again) == (True, True)
    await author.post("/templates/default", after=await author.after())
    page = await author.get("/templates/edit", **OF)
    assert ("back to what Yinfeng brings" in page, "You are signed up" in page) == (True, True)
    await author.office.tell(person("c1"))
    assert [subject.split(":")[0] for subject, _ in await author.mails()] == ["You are signed up"]


async def test_two_who_edit_at_once_lose_nothing(author: Author):
    before = await author.after()
    await author.post("/templates/edit", **PARTS, after=before)
    page = await author.post("/templates/edit", 409, **{**PARTS, "subject": "Mine"}, after=before)
    assert ("somebody saved another version" in page, ">Mine<" in page) == (True, True)
    await author.post("/templates/default", 409, after=before)
    found = await asyncio.gather(
        *[author.http.post("/templates/edit", data={**OF, **PARTS, "after": await author.after()}) for _ in range(3)]
    )
    assert sorted(answer.status_code for answer in found) == [303, 409, 409]


async def test_what_is_wrong_is_said_beside_its_field_and_nothing_is_lost(author: Author):
    page = await author.save(422, content="Dear {{ nam }}\n{% if fair %}", subject="{{ fair.titel }}")
    assert "there is no nam; did you mean name?" not in page  # the tags come first
    assert ("line " in page, "there is no fair.titel; did you mean fair.title?" in page) == (True, True)
    assert ("Dear {{ nam }}" in page, "Nobody has changed" in page) == (True, True)
    assert "fair may be missing" in await author.save(422, content="{{ fair.title }}")
    frame = await author.post("/templates/preview", 200, **{**PARTS, "content": "{{ nam }}"})
    assert "Content: there is no nam" in frame


async def test_a_preview_has_a_real_candidates_data_or_says_why_not(author: Author):
    await author.office.tell(person("c1", name="欧阳思雨"), event("offer.extended", candidate="c1", **OFFER))
    await author.mails()
    frame = await author.post("/templates/preview", 200, **PARTS, candidate="c1")
    assert ("Welcome 欧阳思雨" in frame, "#1" in frame) == (True, True)
    frame = await author.post("/templates/preview", 200, **PARTS, candidate="c2")
    assert ("Welcome Siyu Li" in frame, "there is no such message to this candidate" in frame) == (True, True)
    await author.office.tell(event("offer.rescinded", candidate="c1", offer="o1", time="2026-05-01T00:00:00Z"))
    form = {
        "kind": "offer",
        "subject": "{{ offer.position }}",
        "content": "{{ name }}",
        "footer": "",
        "candidate": "c1",
    }
    frame = await author.post("/templates/preview", 200, **form)
    assert ("Process engineer" in frame, "欧阳思雨" in frame, "the offer is rescinded" in frame) == (True, True, True)
    answer = await author.http.post("/templates/preview", data={**OF, **PARTS})
    assert "sandbox" in answer.headers["content-security-policy"]
    assert "default-src 'none'" in answer.headers["content-security-policy"]


async def test_a_test_goes_to_oneself_and_saves_nothing(author: Author):
    assert "is no e-mail address" in await author.post("/templates/test", 422, **PARTS, to="me")
    assert "there is no nam" in await author.post(
        "/templates/test", 422, **{**PARTS, "content": "{{ nam }}"}, to="a@b.example"
    )
    page = await author.post("/templates/test", 200, **PARTS, to="me@park.example")
    assert ("on its way to me@park.example" in page, "Nobody has changed" in page) == (True, True)
    [(subject, text)] = await author.mails("template_test")
    assert (subject, "See you, Siyu Li." in text) == ("[Test] Welcome Siyu Li", True)
    assert await author.office.rows("SELECT recipient, status FROM messages") == [("me@park.example", "sent")]


async def test_a_kind_that_is_switched_off_is_not_sent_until_it_is_on_again(author: Author):
    await author.post("/templates/switch", off="true")
    assert "switched off" in await author.get("/templates", campaign=CAMPAIGN)
    await author.office.tell(person("c1"), event("offer.extended", candidate="c1", **OFFER))
    assert await author.mails() == []
    assert (await author.office.status_of("c1"))[1] == "HR has switched off this kind of message for the campaign"
    assert len(await author.mails("offer")) == 1
    await author.post("/templates/switch", off="false")
    await author.office.tell(person("c2"))
    assert len(await author.mails()) == 1


async def test_what_a_template_can_t_say_waits_until_it_is_mended(author: Author):
    await author.office.change(
        "INSERT INTO template_versions (campaign, kind, locale, subject, content, footer, by)"
        f" VALUES ('{CAMPAIGN}', 'signup_confirmation', 'en', 'S', '{{{{ fair.title }}}}', '', 'somebody')"
    )
    await author.office.tell(person("c1"))
    assert await author.mails() == []
    status, reason = await author.office.status_of("c1")
    assert (status, "can't be filled" in (reason or "")) == ("held", True)
    await author.office.change("UPDATE template_versions SET content = '{{ fair.titel }}'")
    assert "has no attribute" in await author.get("/templates/preview", **OF)
    await author.save()
    assert [subject for subject, _ in await author.mails()] == ["Welcome Name c1"]


async def test_another_campaign_keeps_its_own(author: Author):
    await author.save()
    other = opened(locale="en") | {"id": "other"}
    other["data"] = {**other["data"], "campaign": "other"}
    someone = person("c1", id="other-1")
    someone["data"]["campaign"] = "other"
    await author.office.tell(other, someone)
    assert [subject.split(":")[0] for subject, _ in await author.mails()] == ["You are signed up"]


async def test_without_a_campaign_there_is_nothing_to_edit(author: Author):
    await author.office.change("DELETE FROM campaigns; DELETE FROM targets")
    assert "No campaign yet" in await author.get("/templates")


async def test_what_the_database_has_no_room_for_is_refused(author: Author):
    for name in ("campaign", "subject", "content", "candidate", "to"):
        for page in ("preview", "edit", "test"):
            await author.post(f"/templates/{page}", 422, **{**PARTS, name: "a\0b"})
    await author.get("/templates/edit", 404, **{**OF, "campaign": "a\0b"})
    await author.get("/templates", 404, campaign="a\0b")


async def test_who_waits_is_told_so_where_confirmations_are_switched_off(author: Author):
    await author.post("/templates/switch", off="true")
    start = author.office.clock() + timedelta(days=30)
    span = {"starts_at": start.isoformat(), "ends_at": (start + timedelta(hours=7)).isoformat()}
    fair = event("fair.scheduled", fair="f1", title="Fair", mode="onsite", capacity=1, **span)
    await author.office.tell(fair, person("c1", fair="f1"))
    assert await author.mails() == []
    await author.office.tell(person("c2", fair="f1", time="2026-05-01T00:00:00Z"))
    assert (await author.mails(), len(await author.mails("waitlisted"))) == ([], 1)
