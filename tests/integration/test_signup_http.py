"""People sign up by themselves on a public page; on a real Postgres."""

from __future__ import annotations

import hashlib
import json
import random
import re
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from icalendar import Calendar

from producers.signup import router
from producers.signup.posting import CHECKS
from producers.signup.router import AT_LEAST
from schemas import proofs
from schemas.settings import Settings
from storage.database import make_pool
from storage.messages import reading, suppressions
from storage.messages.link_secret import load_secret
from storage.messages.suppressions import Wish
from storage.vault import duplicates
from streams.unconfirmed import let_lapse
from tests.facts import CAMPAIGN, event, opened, signed_up
from tests.integration.office import Office
from tests.opening import told
from yinfeng.web.app import create_app

FAIR = f"/fairs/{CAMPAIGN}/f1"
WHO = {"name": "李思雨", "email": "Li.Siyu@example.com", "education": "bachelor", "school": "武汉理工大学"}
STRANGE = (
    "",
    "\x00",
    "\ud800",
    "a\u2028b",
    "<script>",
    "%s",
    "' OR 1=1",
    "9" * 400,
    "李" * 300,
    "2026",
    "1e9",
    "-1",
    "x@y.z",
)


@dataclass
class World:
    office: Office
    http: httpx.AsyncClient
    secret: bytes

    async def page(self, path: str = FAIR, status: int = 200, **headers: str) -> str:
        answer = await self.http.get(path, headers=headers)
        assert answer.status_code == status, answer.text
        return answer.text

    def token(self, *, age: float = 10, way: proofs.Way = "quick") -> dict[str, str]:
        """What a browser sends that did the sum, `age` seconds after the page was drawn. That it can be done is for
        tests/unit/test_proofs.py."""
        then = self.office.clock() - timedelta(seconds=age)
        challenge = proofs.issue(self.secret, f"{random.getrandbits(128):032x}", then, way)
        found = str(proofs.solution(self.secret, challenge.token))
        return {"token": challenge.token, "solution": found if way == "quick" else ""}

    async def send(self, status: int = 303, path: str = FAIR, ip: str = "", **form: str) -> httpx.Response:
        given = {**WHO, "employers": "1", **self.token(), **form}
        answer = await self.http.post(path, data={name: value for name, value in given.items() if value is not None})
        assert answer.status_code == status, answer.text
        return answer

    async def facts(self) -> list[tuple[str, dict[str, Any]]]:
        rows = await self.office.rows("SELECT DISTINCT posted_by FROM facts WHERE source = '/me'")
        assert {by for (by,) in rows} <= {"page:signup"}
        return await told(self.office.pool, "/me")

    async def settle(self) -> list[tuple[str, str]]:
        """What waits is applied, and mails go. Returns kind and recipient of those that went."""
        await self.office.apply_what_waits()
        await self.office.sender().send_all()
        return await self.office.rows("SELECT kind, recipient FROM messages WHERE status = 'sent' ORDER BY id")


def solve(challenge: proofs.Challenge) -> str:
    for number in range(challenge.most):
        if hashlib.sha256(f"{challenge.token}{number}".encode()).hexdigest() == challenge.digest:
            return str(number)
    raise AssertionError


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    async with make_pool(database_url, name="test") as pool:
        async with pool.connection() as conn:
            secret = await load_secret(conn)
        app = create_app(Settings(database_url=database_url, kafka="127.0.0.1:1", public_url="https://park.example"))
        client = httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url="http://test", headers={"accept-language": "en"}
        )
        async with app.router.lifespan_context(app), client as http:
            yield World(Office(pool), http, secret)


def encoded(form: dict[str, str]) -> str:
    """As a browser sends it, also what no browser would send."""

    def every_byte(value: str) -> str:
        return "".join(f"%{byte:02x}" for byte in value.encode("utf-8", "surrogatepass"))

    return "&".join(f"{name}={every_byte(value)}" for name, value in form.items())


def here(**more: Any) -> dict[str, Any]:
    today = datetime.now(UTC).date()
    days = {"starts_on": str(today - timedelta(days=30)), "ends_on": str(today + timedelta(days=30))}
    made = opened()
    return made | {"data": {**made["data"], "title": "Graduates", **days, **more}}


def fair(*, hours: float = 48, **more: Any) -> dict[str, Any]:
    start = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=hours)
    given = {"fair": "f1", "title": "Spring fair", "mode": "onsite", "starts_at": start.isoformat(), "city": "武汉"}
    given |= {"venue": "Gym", "employers": ["huayou", "bosch"], "ends_at": (start + timedelta(hours=7)).isoformat()}
    return event("fair.scheduled", **given | more)


async def test_the_page_says_what_when_where_and_with_whom(world: World):
    named = event("employer.set", employer="huayou", name="华友钴业", name_en="Huayou Cobalt")
    opening = event("opening.set", opening="o1", employer="huayou", position="Chemist", seats=12)
    await world.office.tell(here(), fair(capacity=800, title="Spring </script> fair"), named, opening)
    page = await world.page()
    for said in ("Spring &lt;/script&gt; fair", "Huayou Cobalt", "Chemist", "800, many left", "Graduates", "bosch"):
        assert said in page
    assert "华友钴业" in await world.page(f"{FAIR}?lang=zh-CN")
    assert len(page.encode()) < 30_000
    found = re.search(r'<script type="application/ld\+json">(.*?)</script>', page)
    assert found
    said = json.loads(found[1])
    assert (said["@type"], said["name"], said["location"]["name"]) == ("Event", "Spring </script> fair", "Gym")
    assert 'property="og:title"' in page
    calendar = (await world.http.get(f"{FAIR}/calendar")).content
    [told] = Calendar.from_ical(calendar).walk("VEVENT")
    assert str(told["summary"]) == "Spring </script> fair"


@pytest.mark.parametrize(
    ("campaign", "facts", "said"),
    [
        (
            {},
            [fair(), event("fair.cancelled", fair="f1", reason="a storm", time="2026-03-09T09:00:00+08:00")],
            "a storm",
        ),
        ({}, [fair(hours=-10)], "This is over"),
        ({}, [fair(), event("campaign.closed", time="2026-03-09T09:00:00+08:00")], "Signing up has closed"),
        ({"signup": "closed"}, [fair()], "sign up here"),
        ({"starts_on": str(datetime.now(UTC).date() + timedelta(days=2))}, [fair()], "Signing up opens on"),
    ],
)
async def test_where_nobody_can_sign_up_the_page_says_why(
    world: World, campaign: dict[str, Any], facts: list[dict[str, Any]], said: str
):
    await world.office.tell(here(**campaign), *facts)
    page = await world.page()
    assert (said in page, "<form" in page) == (True, False)
    await world.send(409)
    assert await world.facts() == []


@pytest.mark.parametrize(
    "path", ["/fairs/nothing/f1", f"/fairs/{CAMPAIGN}/none", "/campaigns/no/signup", "/fairs/%00/%0a"]
)
async def test_what_is_not_known_is_a_page_of_its_own(world: World, path: str):
    await world.office.tell(here())
    assert "no such fair" in await world.page(path, 404)
    assert "no such fair" in (await world.http.post(path, data=WHO)).text
    assert (await world.http.get(f"{path}/calendar")).status_code == 404


async def test_a_form_becomes_facts_and_a_ticket(world: World):
    await world.office.tell(here(), fair())
    answer = await world.send(marketing="1", graduation_year="2026")
    assert answer.headers["location"] == "?done=1&lang=en"
    assert "You are in" in await world.page(f"{FAIR}?done=1")
    [(_, signup), (first, employers), (second, marketing)] = await world.facts()
    assert (first, second) == ("consent.given", "consent.given")
    assert re.fullmatch("c-[0-9a-f]{16}", signup["candidate"])
    assert {**signup, "candidate": ""} == {
        "campaign": CAMPAIGN, "candidate": "", "fair": "f1", "locale": "en", "graduation_year": 2026, **WHO
    }  # fmt: skip
    assert (employers["purpose"], employers["employers"]) == ("employers", ["huayou", "bosch"])
    assert "I can take this back at any time" in employers["text"]
    assert marketing["purpose"] == "marketing"
    assert await world.settle() == [("signup_confirmation", WHO["email"])]


async def test_who_does_not_agree_said_no(world: World):
    await world.office.tell(here(), fair())
    await world.send(employers="")
    [(_, signup)] = await world.facts()
    assert signup["consent"] is False


async def test_signing_up_twice_answers_the_same_and_sends_the_ticket_again(world: World):
    await world.office.tell(here(), fair())
    first = await world.send()
    await world.settle()
    again = await world.send(name="Somebody else", school="Elsewhere", email=WHO["email"].lower())
    assert (again.status_code, again.headers, again.content) == (first.status_code, first.headers, first.content)
    await world.settle()
    [(count,)] = await world.office.rows("SELECT count(DISTINCT candidate) FROM facts WHERE source = '/me'")
    [(went,)] = await world.office.rows("SELECT count(*) FROM message_attempts WHERE status = 'sent'")
    [(name,)] = await world.office.rows("SELECT name FROM vault.person WHERE candidate <> ''")
    assert (count, went, name) == (1, 2, "李思雨")
    await world.send()  # whoever asks for a third one at once has to wait
    await world.settle()
    assert await world.office.rows("SELECT count(*) FROM message_attempts WHERE status = 'sent'") == [(2,)]


async def test_known_or_not_takes_no_less_than_is_set_for_both(world: World):
    await world.office.tell(here(), fair())
    await world.send()
    await world.settle()
    for nth in range(3):
        for email in (WHO["email"], f"c{nth}@example.com"):
            form, began = world.token(), time.perf_counter()
            await world.send(email=email, **form)
            assert time.perf_counter() - began >= AT_LEAST


async def test_the_same_form_sent_twice_says_it_once(world: World):
    await world.office.tell(here(), fair())
    form = world.token()
    await world.send(**form)
    await world.send(**form)
    assert len(await world.facts()) == 2


@pytest.mark.parametrize("signup", ["open", "checked"])
async def test_who_goes_back_and_corrects_the_address_is_not_told_that_it_counts(world: World, signup: str):
    await world.office.tell(here(signup=signup), fair())
    form = world.token()
    await world.send(email="tpyo@example.com", **form)
    page = (await world.send(422, email="typo@example.com", **form)).text
    assert ("button once more" in page, 'value="typo@example.com"' in page, form["token"] in page) == (
        True,
        True,
        False,
    )
    await world.send(email="tpyo@example.com", **form)
    await world.send(email="typo@example.com")
    assert {to for _, to in await world.settle()} == {"tpyo@example.com", "typo@example.com"}


async def test_nobody_changes_what_another_said_by_typing_their_address(world: World):
    await world.office.tell(here(), fair(), fair(fair="f2"), signed_up("c1", email="c1@example.com", consent=False))
    await world.office.sender().send_all()
    await world.send(path=f"/fairs/{CAMPAIGN}/f2", email="C1@example.com", name="X", phone="123456")
    [(type, data)] = await world.facts()
    assert type == "candidate.signed_up"
    assert data == {"campaign": CAMPAIGN, "candidate": "c1", "name": "Name c1", "email": "C1@example.com", "fair": "f2"}


@pytest.mark.parametrize("checked", [{}, {"signup": "checked"}])
async def test_what_is_wrong_is_said_alike_of_known_and_unknown_addresses(world: World, checked: dict[str, Any]):
    await world.office.tell(here(**checked), fair(), signed_up("c1", email="c1@example.com"))
    await world.office.sender().send_all()
    for email in ("c1@example.com", "new@example.com"):
        assert "school-wrong" in (await world.send(422, email=email, school="a\tb")).text


async def test_who_was_written_to_about_somebody_is_not_that_person(world: World):
    huayou = event("employer.set", employer="huayou", name="Huayou", reply_to="hr@huayou.example")
    offer = {"candidate": "c1", "offer": "o1"}
    await world.office.tell(here(), fair(), huayou, event("candidate.signed_up", candidate="c1", name="Li"))
    await world.office.tell(event("offer.extended", **offer, employer="huayou", position="Chemist"))
    await world.office.tell(event("offer.accepted", **offer, time="2026-03-09T09:00:00+08:00"))
    await world.settle()
    [(to,)] = await world.office.rows("SELECT recipient FROM messages WHERE kind = 'offer_accepted'")
    assert to == "hr@huayou.example"
    await world.send(email="hr@huayou.example")
    assert "c1" not in [data["candidate"] for _, data in await world.facts()]


async def test_letters_that_take_minutes_to_read_are_refused(world: World):
    kind = "multipart/form-data; boundary=x; charset=punycode"
    letters = b"a" * 60_000 + b"-" + b"b" * 60_000
    body = b'--x\r\nContent-Disposition: form-data; name="name"\r\n\r\n' + letters + b"\r\n--x--\r\n"
    began = time.process_time()
    assert (await world.http.post(FAIR, content=body, headers={"content-type": kind})).status_code == 415
    assert time.process_time() - began < 1


async def test_who_signed_off_and_signs_up_again_takes_part_whatever_the_clocks_say(world: World):
    await world.office.tell(here(), fair(capacity=5))
    await world.send()
    await world.settle()
    [(_, first), _] = await world.facts()
    await world.office.tell(event("candidate.withdrew", candidate=first["candidate"], time="2100-01-01T00:00:00Z"))
    assert await world.office.rows("SELECT count(*) FROM seats WHERE at IS NOT NULL") == [(0,)]
    await world.send()
    await world.settle()
    assert await world.office.rows("SELECT count(*) FROM seats WHERE at IS NOT NULL") == [(1,)]


async def test_who_was_erased_begins_anew(world: World):
    await world.office.tell(here(), fair())
    await world.send()
    await world.settle()
    [(_, first), _] = await world.facts()
    await world.office.tell(event("candidate.erased", candidate=first["candidate"], time="2100-01-01T00:00:00Z"))
    await world.send()
    facts = await world.facts()
    assert len({data["candidate"] for _, data in facts}) == 2


async def test_a_full_fair_has_a_waiting_list(world: World):
    await world.office.tell(here(), fair(capacity=1))
    for n in range(3):
        await world.send(email=f"c{n}@example.com")
    assert [kind for kind, _ in await world.settle()] == ["signup_confirmation", "waitlisted", "waitlisted"]
    assert "your own page tells your place" in await world.page()
    await world.send(email="c3@example.com")


async def test_the_whole_campaign_has_a_page_too(world: World):
    await world.office.tell(here(), fair())
    path = f"/campaigns/{CAMPAIGN}/signup"
    page = await world.page(path)
    assert ("Spring fair" in page, "<form" in page) == (True, True)
    await world.send(path=path)
    [(_, signup), (_, consent)] = await world.facts()
    assert ("fair" in signup, "employers" in consent) == (False, False)


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"name": ""}, "name-wrong"),
        ({"email": "no address"}, "email-wrong"),
        ({"graduation_year": "12"}, "graduation_year-wrong"),
        ({"education": "wizard"}, "education-wrong"),
        ({"token": "0"}, "press the button once more"),
        ({"solution": ""}, "wait 20 seconds"),
    ],
)
async def test_what_is_wrong_is_said_and_nothing_typed_is_lost(world: World, form: dict[str, str], said: str):
    await world.office.tell(here(), fair())
    answer = await world.send(422, **form)
    assert said in answer.text
    assert 'value="武汉理工大学"' in answer.text
    assert await world.facts() == []


async def test_what_is_said_of_the_seats_is_the_same_before_and_after_one_more_signup(world: World):
    for name, seats in (("f1", 800), ("f2", 1)):
        await world.office.tell(here(), fair(fair=name, capacity=seats, id=name))
    await world.send(path="/fairs/grads-2026/f2", email="first@example.com")
    await world.settle()

    async def seats() -> list[str]:
        pages = [await world.page(f"/fairs/grads-2026/{name}") for name in ("f1", "f2")]
        return [
            found for page in pages for found in re.findall(r"(?s)<dt>Seats</dt>.*?</dd>|<p>Put yourself.*?</p>", page)
        ]

    before = await seats()
    assert len(before) == 3
    for name in ("f1", "f2"):
        await world.send(path=f"/fairs/grads-2026/{name}", email="second@example.com")
    await world.settle()
    assert await seats() == before


async def test_where_addresses_are_checked_one_proof_names_one_address(world: World):
    await world.office.tell(here(signup="checked"), fair())
    proof = world.token()
    for _ in range(2):
        await world.send(email="first@example.com", **proof)
    for n in range(3):
        answer = await world.send(422, email=f"other{n}@example.com", **proof)
        assert "press the button once more" in answer.text
    for _ in range(CHECKS + 1):
        await world.send(email="first@example.com", **(spent := world.token()))
    await world.send(422, email="another@example.com", **spent)
    assert await world.office.rows("SELECT count(*) FROM addresses") == [(1,)]


async def test_where_addresses_are_checked_nothing_counts_until_the_link_is_used(world: World):
    await world.office.tell(here(signup="checked"), fair(), signed_up("c1", email="c1@example.com", school="Old"))
    await world.office.sender().send_all()
    for email in ("new@example.com", "c1@example.com"):
        answer = await world.send(email=email)
        assert answer.headers["location"] == "?done=check&lang=en"
    assert await world.facts() == []
    assert "One click is left" in await world.page(f"{FAIR}?done=check")
    assert [kind for kind, _ in await world.settle()][-2:] == ["signup_check", "signup_check"]
    rows = await world.office.rows("SELECT text FROM mails WHERE text LIKE '%%/signup/%%' ORDER BY message")
    for (text,) in rows:
        link = re.search(r"https://park\.example(/signup/\S+)", text)
        assert link
        assert "Yes, sign me up" in await world.page(link[1])
        for _ in range(2):
            assert (await world.http.post(link[1])).status_code == 303
    said = [(data,) for _, data in await told(world.office.pool, "/me")]
    assert [data.get("school") for (data,) in said] == ["武汉理工大学", None, "武汉理工大学", None]
    assert said[2][0]["candidate"] == "c1"


async def test_what_nobody_confirmed_goes_with_all_that_was_kept_of_its_person(world: World):
    await world.office.tell(here(signup="checked"), fair(), signed_up("c1", email="c1@example.com"))
    await world.office.sender().send_all()
    for email in ("new@example.com", "c1@example.com"):
        await world.send(email=email)
    await world.settle()
    now = datetime.now(UTC)
    async with world.office.pool.connection() as conn:
        assert await let_lapse(conn, 7, now) == 0
        await conn.execute("UPDATE unconfirmed SET at = at - interval '8 days'")
        assert await let_lapse(conn, 7, now) == 1
        assert await let_lapse(conn, 7, now) == 0
    assert await world.office.rows("SELECT candidate FROM vault.person WHERE candidate <> ''") == [("c1",)]
    assert await world.office.rows("SELECT count(*) FROM unconfirmed") == [(0,)]
    rows = await world.office.rows(
        "SELECT candidate, sealed FROM messages WHERE kind = 'signup_check' AND forgotten IS NOT TRUE"
    )
    assert [candidate for candidate, _ in rows] == ["c1"]
    assert "new@example.com" not in str(await world.office.rows("SELECT text FROM mails"))
    await world.send(email="new@example.com")  # typed once more, it is somebody new
    await world.settle()
    await confirm(world)
    assert "new@example.com" in str(await world.settle())


async def test_what_is_known_of_an_address_that_no_mail_goes_to_stays(world: World):
    await world.office.tell(here(signup="checked"), fair())
    await world.send(email="new@example.com")
    await world.settle()
    async with world.office.pool.connection() as conn:
        [(id,)] = await world.office.rows("SELECT id FROM messages")
        await suppressions.add(conn, [Wish("new@example.com", "complaint", id, "spam")])
        await conn.execute("UPDATE unconfirmed SET at = at - interval '8 days'")
        assert await let_lapse(conn, 7, datetime.now(UTC)) == 0
        assert [each.address for each in await suppressions.listed(conn)] == ["n…w@example.com"]


async def test_without_scripts_a_slower_way_stays_open(world: World):
    await world.office.tell(here(), fair())
    page = (await world.send(422, solution="")).text
    found = re.search(r'name="token" value="(\S+\.s\.\S+)"', page)
    assert found
    await world.send(422, token=found[1], solution="")
    await world.send(303, **world.token(age=21, way="slow"))
    assert len(await world.facts()) == 2


async def test_what_fills_in_the_field_that_nobody_sees_is_told_it_is_in(world: World):
    await world.office.tell(here(), fair())
    await world.send(website="https://spam.example")
    assert await world.facts() == []


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """A limit that no slow machine outwaits."""
    monkeypatch.setattr(router, "AT_ONCE", 8)
    monkeypatch.setattr(router, "EVERY", 600.0)


async def test_too_many_at_once_from_one_network_are_slowed_and_lose_nothing_typed(few: None, world: World):
    await world.office.tell(here(), fair())
    form = {**WHO, "name": "", **world.token()}
    answers = [await world.http.post(FAIR, data=form) for _ in range(10)]
    assert [answer.status_code for answer in answers] == [422] * 8 + [429] * 2
    assert "Many sign up from your network" in answers[-1].text
    assert 'value="武汉理工大学"' in answers[-1].text


async def test_no_form_brings_the_page_down_nor_says_what_is_no_fact(world: World):
    await world.office.tell(here(), fair())
    chance = random.Random(1)
    names = [*WHO, "phone", "major", "graduation_year", "token", "solution", "nonsense", "website"]
    for _ in range(60):
        form = {name: chance.choice(STRANGE) for name in chance.sample(names, 6)}
        body = encoded(form)
        kind = chance.choice(["application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/plain", ""])
        answer = await world.http.post(FAIR, content=body, headers={"content-type": kind})
        assert answer.status_code in (400, 422, 429), (answer.status_code, form)
    assert await world.facts() == []


async def confirm(world: World) -> None:
    """Use the newest link by which an address is confirmed, as its reader does, who may be hidden from all others."""
    [(id,)] = await world.office.rows("SELECT max(id) FROM messages WHERE kind = 'signup_check'")
    async with world.office.pool.connection() as conn:
        mail = await reading.mail(conn, id, hidden=True)
    assert mail
    link = re.search(r"https://park\.example(/signup/\S+)", mail.text)
    assert link
    assert (await world.http.post(link[1])).status_code == 303
    await world.settle()


async def test_who_was_hidden_since_their_time_was_over_is_seen_again_once_their_address_is_confirmed(world: World):
    hidden = event("candidate.restricted", candidate="c1", ground="retention", time="2026-04-01T09:00:00+08:00")
    await world.office.tell(here(signup="checked"), fair(), signed_up("c1", email="c1@example.com", fair="f1"))
    await world.settle()
    await world.office.tell(hidden)
    await world.send(email="c1@example.com")
    await world.settle()
    await confirm(world)
    assert await world.office.rows("SELECT restricted_at FROM vault.person WHERE candidate = 'c1'") == [(None,)]


async def mailed(world: World, kind: str) -> str:
    """Where the one link of this kind leads that a mail brought."""
    [(text,)] = await world.office.rows(f"SELECT text FROM mails WHERE text LIKE '%%/{kind}/%%'")
    link = re.search(rf"https://park\.example(/{kind}/\S+)", text)
    assert link
    return link[1]


async def test_who_wrote_anothers_address_on_their_own_page_is_not_taken_for_them(world: World):
    await world.office.tell(here(), fair(), signed_up("c1", email="c1@example.com", fair="f1"))
    await world.settle()
    mine = await mailed(world, "me")
    await world.http.post(f"{mine}/correct", data={"email": "victim@example.com"})
    await world.settle()
    await world.office.tell(event("offer.extended", candidate="c1", offer="o1", employer="huayou", position="Chemist"))
    assert ("offer", "c1@example.com") in await world.settle()
    for _ in range(2):  # and the second time they are known
        await world.send(email="victim@example.com", name="Victim")
        await world.settle()
    facts = await told(world.office.pool, "/me")
    said = [data["candidate"] for _, data in facts if data.get("email") == "victim@example.com"]
    assert (len({*said}), "c1" in said) == (1, False)


async def test_who_wrote_anothers_address_on_their_own_page_reads_nothing_of_the_other(world: World):
    await world.office.tell(here(signup="checked"), fair(), signed_up("c1", email="c1@example.com", fair="f1"))
    await world.settle()
    mine = await mailed(world, "me")
    await world.http.post(f"{mine}/correct", data={"email": "victim@example.com"})
    await world.settle()
    await world.send(email="victim@example.com", name="Victim", phone="13800000001")
    await world.settle()
    await confirm(world)
    assert "13800000001" not in (await world.http.get(f"{mine}/data.json")).text


async def test_who_signs_up_with_an_address_confirmed_on_an_own_page_is_suggested_as_the_same_at_once(world: World):
    await world.office.tell(here(), fair(), signed_up("c1", email="c1@example.com", fair="f1"))
    await world.settle()
    mine = await mailed(world, "me")
    await world.http.post(f"{mine}/correct", data={"email": "new@example.com"})
    await world.settle()
    assert (await world.http.post(await mailed(world, "address"))).status_code == 200
    await world.settle()
    await world.send(email="New@example.com")
    await world.office.apply_what_waits()
    facts = await told(world.office.pool, "/me")
    [said] = [data for _, data in facts if data.get("email") == "New@example.com"]
    assert said["candidate"] != "c1"
    async with world.office.pool.connection() as conn:
        [pair] = await duplicates.of(conn, CAMPAIGN, [said["candidate"]], limit=5)
    assert (pair.other, pair.alike) == ("c1", ("email",))
