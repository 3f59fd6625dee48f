"""Whom an employer sees, over HTTP: what opens a candidate to it, what does not, and what it may do then."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from schemas.settings import Settings
from schemas.topics import SEQ_HEADER
from storage.access import keys
from storage.database import Conn, connect
from storage.ledger.events import WHOLE
from streams.apply import apply_batch
from streams.intake import Incoming
from tests.facts import CAMPAIGN, event, hired, opened, retraction, signed_up
from tests.strategies import Event
from yinfeng.web.app import create_app

NOW = datetime(2026, 6, 1, tzinfo=UTC)
FAIR = event(
    "fair.scheduled",
    fair="f1",
    title="Spring fair",
    mode="onsite",
    starts_at="2026-03-10T09:00:00+08:00",
    ends_at="2026-03-10T17:00:00+08:00",
    employers=["huayou", "beta"],
)


def said(type: str, candidate: str, *, day: int = 9, **data: Any) -> Event:
    return event(type, candidate=candidate, time=f"2026-03-{day:02}T09:00:00+08:00", **data)


def offer(candidate: str, employer: str, **more: Any) -> Event:
    return said("offer.extended", candidate, offer=f"o-{employer}", employer=employer, position="Engineer", **more)


class Office:
    """The web app with a key for each role; what is posted is applied at once."""

    def __init__(self, http: httpx.AsyncClient, conn: Conn, tokens: dict[str, str]) -> None:
        self._http, self._conn, self._tokens = http, conn, tokens

    async def ask(self, who: str, method: str, path: str, **more: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self._tokens[who]}", **more.pop("headers", {})}
        return await self._http.request(method, path, headers=headers, **more)

    async def post(self, who: str, *events: Event) -> httpx.Response:
        """Alone as one event, several as a batch."""
        kind = "cloudevents" if len(events) == 1 else "cloudevents-batch"
        body = events[0] if len(events) == 1 else list(events)
        headers = {"Content-Type": f"application/{kind}+json"}
        answer = await self.ask(who, "POST", "/v1/events", json=body, headers=headers)
        await self._apply()
        return answer

    async def sees(self, who: str, candidate: str) -> bool:
        answer = await self.ask(who, "GET", f"/v1/campaigns/{CAMPAIGN}/candidates/{candidate}")
        assert answer.status_code in (200, 404)
        page = await self.ask(who, "GET", f"/candidates/{CAMPAIGN}/{candidate}", headers={"Accept": "text/html"})
        assert page.status_code == answer.status_code
        return answer.status_code == 200

    async def messages(self, who: str) -> list[tuple[str, str]]:
        answer = await self.ask(who, "GET", "/v1/messages")
        assert answer.status_code == 200
        for each in answer.json():
            assert (await self.ask(who, "GET", f"/v1/messages/{each['id']}")).status_code == 200
        return sorted((each["template"], each["candidate"]) for each in answer.json() if each["candidate"])

    async def _apply(self) -> None:
        cursor = await self._conn.execute(f"SELECT seq, {WHOLE} FROM pending JOIN facts f USING (seq) ORDER BY seq")
        relayed = [
            Incoming("yinfeng.facts", 0, seq, None, text.encode(), ((SEQ_HEADER, str(seq).encode()),))
            for seq, text in await cursor.fetchall()
        ]
        await apply_batch(self._conn, relayed, now=NOW)


@pytest.fixture
async def office(database_url: str) -> AsyncIterator[Office]:
    async with await connect(database_url, name="test") as conn:
        tokens = {"organizer": await keys.create(conn, name="o", role="organizer")}
        for name in ("huayou", "beta", "gamma"):
            tokens[name] = await keys.create(conn, name=name, role="employer", employer=name)
        app = create_app(Settings(database_url=database_url, kafka="127.0.0.1:1"))
        transport = httpx.ASGITransport(app)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url="http://test") as http,
        ):
            made = Office(http, conn, tokens)
            await made.post("organizer", opened(), FAIR)
            yield made


# What the organizer posted → who of huayou (at the fair), beta (at the fair) and gamma (not) sees c1.
RELATIONS: dict[str, tuple[list[Event], set[str]]] = {
    "nothing": ([], set()),
    "a signup for no fair": ([said("candidate.signed_up", "c1", name="Li", consent=True)], set()),
    "a signup for the fair without a word": ([said("candidate.signed_up", "c1", name="Li", fair="f1")], set()),
    "a signup for the fair with a no": (
        [said("candidate.signed_up", "c1", name="Li", fair="f1", consent=False)],
        set(),
    ),
    "a signup for the fair with a yes": (
        [said("candidate.signed_up", "c1", name="Li", fair="f1", consent=True)],
        {"huayou", "beta"},
    ),
    "a signup for another fair with a yes": (
        [said("candidate.signed_up", "c1", name="Li", fair="f2", consent=True)],
        set(),
    ),
    "a check-in and a yes": (
        [
            said("candidate.checked_in", "c1", fair="f1"),
            said("consent.given", "c1", purpose="employers"),
        ],
        {"huayou", "beta"},
    ),
    "a yes taken back": (
        [
            said("candidate.signed_up", "c1", name="Li", fair="f1", consent=True),
            said("consent.withdrawn", "c1", day=10, purpose="employers"),
        ],
        set(),
    ),
    "a yes after a no": (
        [
            said("candidate.signed_up", "c1", name="Li", fair="f1", consent=False),
            said("consent.given", "c1", day=10, purpose="employers"),
        ],
        {"huayou", "beta"},
    ),
    "a no to one": (
        [
            said("candidate.signed_up", "c1", name="Li", fair="f1", consent=True),
            said("consent.withdrawn", "c1", day=10, purpose="employers", employers=["beta"]),
        ],
        {"huayou"},
    ),
    "a yes to one": (
        [
            said("candidate.signed_up", "c1", name="Li", fair="f1"),
            said("consent.given", "c1", day=10, purpose="employers", employers=["beta"]),
        ],
        {"beta"},
    ),
    "a yes to one outside the fair": (
        [
            said("candidate.signed_up", "c1", name="Li", fair="f1"),
            said("consent.given", "c1", day=10, purpose="employers", employers=["gamma"]),
        ],
        set(),
    ),
    "a yes to marketing": (
        [
            said("candidate.signed_up", "c1", name="Li", fair="f1"),
            said("consent.given", "c1", purpose="marketing"),
        ],
        set(),
    ),
    "an offer of the organizer's hand": ([offer("c1", "gamma")], {"gamma"}),
    "a hire of the organizer's hand": (
        [said("hire.started", "c1", employer="beta", started_on="2026-07-01")],
        {"beta"},
    ),
    "an offer that was wrong": (
        [offer("c1", "gamma", id="wrong"), retraction("wrong", candidate="c1")],
        set(),
    ),
}


@pytest.mark.parametrize("relation", RELATIONS)
async def test_what_opens_a_candidate_to_an_employer(office: Office, relation: str):
    events, expected = RELATIONS[relation]
    if events:
        assert (await office.post("organizer", *events)).status_code == 202
    assert {who for who in ("huayou", "beta", "gamma") if await office.sees(who, "c1")} == expected
    for who in ("huayou", "beta", "gamma"):
        interview = said("candidate.interviewed", "c1", day=12, employer=who)
        assert (await office.post(who, interview)).status_code == (202 if who in expected else 403)
    assert {who for who in ("huayou", "beta", "gamma") if await office.sees(who, "c1")} == expected


@pytest.mark.parametrize("named", [{}, {"employers": ["huayou"]}])
async def test_a_no_under_one_record_stands_whatever_another_says(office: Office, named: dict[str, Any]):
    refused = said("candidate.signed_up", "c1", day=1, name="Li", fair="f1", consent=False)
    entered = said("candidate.signed_up", "c2", day=8, name="Li", fair="f1")
    agreed = said("consent.given", "c2", purpose="employers", **named)
    await office.post("organizer", opened(), FAIR, refused, entered, agreed)
    assert [await office.sees("huayou", each) for each in ("c1", "c2")] == [False, True]
    await office.post("organizer", said("candidate.merged", "c2", day=10, into="c1"))
    assert [await office.sees("huayou", each) for each in ("c1", "c2")] == [False, False]


async def test_an_employer_signs_up_candidates_of_its_own(office: Office):
    assert (await office.post("huayou", signed_up("huayou:1"))).status_code == 202
    assert await office.sees("huayou", "huayou:1")
    assert not await office.sees("beta", "huayou:1")
    for candidate in ("c1", "beta:1", "huayou", "huayouX:1"):
        assert (await office.post("huayou", signed_up(candidate))).status_code == 403
    assert (await office.post("huayou", hired("huayou:2", "huayou"))).status_code == 202
    assert (await office.post("beta", hired("huayou:2", "beta"))).status_code == 403


async def test_an_employer_can_t_tell_a_stranger_from_nobody(office: Office):
    await office.post("organizer", signed_up("c1"))
    for type, more in {
        "candidate.interviewed": {"employer": "huayou"},
        "offer.extended": {"employer": "huayou", "offer": "o", "position": "p"},
        "offer.rescinded": {"offer": "o"},
        "hire.started": {"employer": "huayou", "started_on": "2026-07-01"},
    }.items():
        answers = [
            (await office.post("huayou", said(type, candidate, id="same", **more))) for candidate in ("c1", "c2")
        ]
        assert {answer.status_code for answer in answers} == {403}
        assert answers[0].text.replace("c1", "c2") == answers[1].text


async def test_of_a_batch_what_is_allowed_is_taken(office: Office):
    answer = await office.post("huayou", signed_up("huayou:1"), hired("c9", "huayou"), hired("huayou:1", "huayou"))
    assert (answer.status_code, answer.json()["accepted"]) == (207, 2)
    assert [each["index"] for each in answer.json()["rejected"]] == [1]


async def test_an_employer_reads_no_message_that_another_one_caused(office: Office):
    person = said("candidate.signed_up", "c1", name="Li", fair="f1", email="li@example.com", consent=True)
    await office.post("organizer", person)
    await office.post("beta", offer("c1", "beta"))
    await office.post("beta", said("offer.rescinded", "c1", day=10, offer="o-beta"))
    await office.post("huayou", offer("c1", "huayou"))
    theirs, ours = await office.messages("beta"), await office.messages("huayou")
    assert ("offer_rescinded", "c1") in theirs
    assert ("offer", "c1") in ours
    assert ("offer_rescinded", "c1") not in ours
    assert await office.messages("gamma") == []


@pytest.mark.parametrize("source", ["/offers", "/tickets", "/desk", "/me", "/offers/", "/offers/1", "/yinfeng/worker"])
@pytest.mark.parametrize("who", ["organizer", "huayou"])
async def test_nobody_speaks_as_the_platform_itself(office: Office, who: str, source: str):
    answer = await office.post(who, said("offer.accepted", "huayou:1", source=source, offer="o"))
    assert answer.status_code == 403
    assert answer.json()["errors"][0]["field"] == "source"


async def test_the_platform_s_own_word_straight_from_kafka_is_a_dead_letter(office: Office, database_url: str):
    async with await connect(database_url, name="test") as conn:
        forged = said("offer.accepted", "c1", source="/offers", offer="o")
        record = Incoming("yinfeng.facts", 0, 7, None, json.dumps(forged).encode(), ())
        done = await apply_batch(conn, [record], now=NOW)
    assert (done.facts, [letter.reason for letter in done.dead_letters]) == (
        0,
        ["source: /offers is what the platform itself speaks under"],
    )


async def test_an_employer_sets_openings_of_its_own_alone(office: Office):
    def opening(employer: str, id: str, seats: int = 1) -> Event:
        return event("opening.set", id=id, opening="op", employer=employer, position="Engineer", seats=seats)

    assert (await office.post("huayou", opening("huayou", "1"))).status_code == 202
    taken = await office.post("beta", opening("beta", "2"))
    assert (taken.status_code, "no opening of beta" in taken.text) == (403, True)
    assert (await office.post("huayou", opening("huayou", "3", seats=5))).status_code == 202
    await office.post("organizer", retraction("1"), retraction("3"))
    assert (await office.post("beta", opening("beta", "4"))).status_code == 202
    assert (await office.post("huayou", opening("huayou", "5"))).status_code == 403


async def test_an_opening_that_waits_to_be_applied_is_its_employer_s_already(office: Office):
    mine, theirs = [
        event("opening.set", id=name, opening="op", employer=name, position="Engineer", seats=1)
        for name in ("huayou", "beta")
    ]
    headers = {"Content-Type": "application/cloudevents+json"}
    assert (await office.ask("huayou", "POST", "/v1/events", json=mine, headers=headers)).status_code == 202
    assert (await office.ask("beta", "POST", "/v1/events", json=theirs, headers=headers)).status_code == 403
