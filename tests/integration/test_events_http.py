"""`POST /v1/events` on the real app and a real Postgres, with no broker at all: it is not needed to accept facts."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest

from producers.requests import MAX_REQUEST_BYTES
from schemas.catalogue import CATALOGUE
from schemas.cloudevents import BATCH, NDJSON, STRUCTURED
from schemas.facts import MAX_EVENT_BYTES
from schemas.openapi import example_event
from schemas.settings import Settings
from storage.access import keys
from storage.database import Conn
from storage.ledger import ledger
from storage.ledger.events import WHOLE
from storage.vault.process import vault
from tests.facts import CAMPAIGN, event, hired, opened, retraction, signed_up, target
from tests.opening import as_said
from tests.strategies import Event
from yinfeng.web.app import create_app

PROBLEM = "application/problem+json"


@pytest.fixture
async def http(database_url: str) -> AsyncIterator[httpx.AsyncClient]:
    app = create_app(Settings(database_url=database_url, kafka="127.0.0.1:1"))
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            yield client


class Poster:
    """Posts events with one key."""

    def __init__(self, http: httpx.AsyncClient, key: str) -> None:
        self._http, self.headers = http, {"authorization": f"Bearer {key}"}

    async def send(self, body: Any, content_type: str | None, **headers: str | bytes) -> httpx.Response:
        kind = {"content-type": content_type} if content_type else {}
        return await self._http.post("/v1/events", content=body, headers={**self.headers, **kind, **headers})

    async def one(self, event: Event) -> httpx.Response:
        return await self.send(json.dumps(event).encode(), STRUCTURED)

    async def many(self, *events: Any, form: str = BATCH) -> httpx.Response:
        body = json.dumps(events) if form == BATCH else "\n".join(map(json.dumps, events))
        return await self.send(body.encode(), form)


@pytest.fixture
async def organizer(http: httpx.AsyncClient, conn: Conn) -> Poster:
    return Poster(http, await keys.create(conn, name="organizer", role="organizer"))


async def count(conn: Conn, table: str) -> int:
    row = await (await conn.execute(f"SELECT count(*) FROM {table}")).fetchone()
    assert row
    return int(row[0])


async def test_what_is_accepted_is_committed_as_it_was_said(organizer: Poster, conn: Conn):
    said = [example_event(row) for row in CATALOGUE.values()]
    answer = await organizer.many(*said, form=NDJSON)
    assert (answer.status_code, answer.json()) == (202, {"accepted": len(said), "duplicates": 0, "rejected": []})
    rows = await (await conn.execute(f"SELECT {WHOLE}::jsonb FROM facts f ORDER BY seq")).fetchall()
    assert await as_said(conn, [row for (row,) in rows]) == said
    assert await count(conn, "pending") == len(said)


async def test_an_id_that_tells_who_somebody_is_is_refused_and_not_repeated(organizer: Poster, conn: Conn):
    answer = await organizer.one(signed_up("13800138000"))
    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    assert error["field"] == "data.candidate"
    assert "telephone number" in error["message"]
    assert "138" not in error["message"]
    assert await ledger.count_pending(conn) == 0


async def test_who_was_erased_is_merged_with_nobody(organizer: Poster, conn: Conn):
    erased = event("candidate.erased", candidate="c2", time="2026-04-01T09:00:00+08:00")
    for each in (opened(), signed_up("c1"), signed_up("c2"), erased):
        assert (await organizer.one(each)).status_code == 202
    for one, into, field in (("c2", "c1", "data.candidate"), ("c1", "c2", "data.into")):
        answer = await organizer.one(event("candidate.merged", candidate=one, into=into))
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field)
        assert "was erased" in answer.json()["detail"]


async def test_a_merging_that_is_posted_again_once_somebody_was_erased_is_a_duplicate(organizer: Poster):
    """Who had no answer posts again what was accepted."""
    merged = event("candidate.merged", candidate="c2", into="c1", id="m")
    erased = event("candidate.erased", candidate="c2", time="2026-04-01T09:00:00+08:00")
    for each in (opened(), signed_up("c1"), signed_up("c2"), merged, erased):
        assert (await organizer.one(each)).status_code == 202
    answer = await organizer.one(merged)
    assert (answer.status_code, answer.json()) == (202, {"accepted": 0, "duplicates": 1, "rejected": []})


async def test_the_four_forms(organizer: Poster):
    binary = signed_up("c4")
    headers = {f"ce-{name}": value for name, value in binary.items() if name not in ("data", "datacontenttype")}
    answers = [
        await organizer.one(signed_up("c1")),
        await organizer.many(signed_up("c2")),
        await organizer.many(signed_up("c3"), form=NDJSON),
        await organizer.send(json.dumps(binary["data"]), "application/json", **headers),
    ]
    assert [(answer.status_code, answer.json()["accepted"]) for answer in answers] == [(202, 1)] * 4


async def test_duplicates_are_counted_whatever_they_say(organizer: Poster, conn: Conn):
    first, other = signed_up("c1", id="same"), signed_up("c2", id="same")
    assert (await organizer.many(first, other, first)).json() == {"accepted": 1, "duplicates": 2, "rejected": []}
    assert (await organizer.one(other)).json() == {"accepted": 0, "duplicates": 1, "rejected": []}
    assert await (await conn.execute("SELECT candidate FROM facts")).fetchall() == [("c1",)]
    assert (await organizer.many()).json() == {"accepted": 0, "duplicates": 0, "rejected": []}


async def test_an_identity_that_another_s_fact_has_is_refused(http: httpx.AsyncClient, organizer: Poster, conn: Conn):
    other = Poster(http, await keys.create(conn, name="other", role="organizer"))
    first, free = signed_up("c1", id="same"), signed_up("c3", id="free")
    await organizer.one(first)
    assert (await other.one(first)).json() == {"accepted": 0, "duplicates": 1, "rejected": []}
    answer = await other.one(signed_up("c2", id="same"))
    assert (answer.status_code, [error["field"] for error in answer.json()["errors"]]) == (422, ["id"])
    mixed = (await other.many(free, signed_up("c2", id="same"), free)).json()
    assert (mixed["accepted"], mixed["duplicates"], [each["index"] for each in mixed["rejected"]]) == (1, 1, [1])
    await vault().erase(conn, {(CAMPAIGN, "c1"): 2**50})
    assert (await other.one(first)).json() == {"accepted": 0, "duplicates": 1, "rejected": []}


@pytest.mark.parametrize("form", [BATCH, NDJSON])
async def test_a_batch_takes_the_good_ones_and_names_the_bad(organizer: Poster, conn: Conn, form: str):
    answer = await organizer.many(signed_up("c1"), signed_up("c2", id="bad", emial="x"), 7, hired("c1"), form=form)
    assert answer.status_code == 207
    assert answer.json()["accepted"] == 2
    rejected = answer.json()["rejected"]
    assert [(each["index"], each["id"], [error["field"] for error in each["errors"]]) for each in rejected] == [
        (1, "bad", ["data.emial"]),
        (2, None, [""]),
    ]
    assert "did you mean 'email'" in rejected[0]["errors"][0]["message"]
    assert await count(conn, "facts") == 2


async def test_one_bad_event_alone_is_a_problem_that_names_every_field(organizer: Poster):
    answer = await organizer.one(target("t", goal=0, titel="x"))
    assert (answer.status_code, answer.headers["content-type"]) == (422, PROBLEM)
    assert {error["field"] for error in answer.json()["errors"]} == {"data.goal", "data.titel"}
    assert answer.json()["status"] == 422


async def in_chunks(size: int) -> AsyncIterator[bytes]:
    for _ in range(size // 65536):
        yield b" " * 65536


LARGE = json.dumps(signed_up("c1", id="large")).encode() + b" " * MAX_EVENT_BYTES
MANY = b"1\n" * 10_001


@pytest.mark.parametrize(
    ("body", "content_type", "status", "says"),
    [
        (lambda: LARGE, STRUCTURED, 413, "1048576 bytes"),
        (lambda: b" " * (MAX_REQUEST_BYTES + 1), NDJSON, 413, "in portions"),
        (lambda: in_chunks(MAX_REQUEST_BYTES + 65536), NDJSON, 413, "in portions"),
        (lambda: MANY, NDJSON, 413, "10000 events"),
        (lambda: b"[" + b"1," * 10_000 + b"1]", BATCH, 413, "10000 events"),
        (lambda: b"{}", "text/plain", 415, STRUCTURED),
        (lambda: b"{}", None, 415, STRUCTURED),
        (lambda: b"{nonsense", BATCH, 400, "not JSON"),
        (lambda: b"{}", BATCH, 400, "array"),
        (lambda: b"{nonsense", STRUCTURED, 422, "not JSON"),
        (lambda: b"", STRUCTURED, 422, "not JSON"),
        (lambda: b"[" * 100_000, STRUCTURED, 422, "not JSON"),
    ],
)  # fmt: skip
async def test_what_can_not_be_read_is_a_problem(
    organizer: Poster, body: Callable[[], Any], content_type: str | None, status: int, says: str
):
    answer = await organizer.send(body(), content_type)
    assert (answer.status_code, answer.headers["content-type"]) == (status, PROBLEM)
    assert says in answer.json()["detail"]


@pytest.mark.parametrize("form", [BATCH, NDJSON])
async def test_one_event_too_large_harms_no_other(organizer: Poster, form: str):
    large = signed_up("c1", id="large") | {"subject": "x" * MAX_EVENT_BYTES}
    answer = await organizer.many(signed_up("c2"), large, form=form)
    assert (answer.status_code, answer.json()["accepted"]) == (207, 1)
    assert "larger than" in answer.json()["rejected"][0]["errors"][0]["message"]


@pytest.mark.parametrize("form", [BATCH, NDJSON])
async def test_chinese_counts_as_it_was_sent(organizer: Poster, form: str):
    fair = event("fair.scheduled", fair="f", title="F", mode="onsite", starts_at="2026-03-14T09:00:00Z",
                 ends_at="2026-03-14T10:00:00Z", employers=[f"{n:04}" + "企业" * 20 for n in range(5000)])  # fmt: skip
    body = json.dumps(fair, ensure_ascii=False).encode()
    assert len(body) < MAX_EVENT_BYTES < min(2 * len(body), len(json.dumps(fair)))
    again = body.replace(fair["id"].encode(), b"another")
    whole = b"[" + body + b"," + again + b"]" if form == BATCH else body + b"\n" + again
    assert (await organizer.send(whole, form)).json()["accepted"] == 2


async def test_a_content_length_that_lies_is_not_believed(organizer: Poster):
    answer = await organizer.send(b"{}", STRUCTURED, **{"content-length": str(MAX_REQUEST_BYTES + 1)})
    assert answer.status_code == 413
    for odd, status in (("9" * 5000, 413), ("²", 202), ("-1", 202), ("x", 202)):
        body = json.dumps(signed_up("c1")).encode()
        answer = await organizer.send(body, STRUCTURED, **{"content-length": odd.encode("latin-1")})
        assert answer.status_code == status
    answer = await organizer.send(in_chunks(MAX_REQUEST_BYTES + 65536), NDJSON, **{"content-length": "10"})
    assert answer.status_code == 413


async def test_the_same_events_from_eight_clients_at_once_are_accepted_once(organizer: Poster, conn: Conn):
    # In opposite orders, so that in Postgres they wait for each other.
    said = [signed_up(f"c{n}", id=f"e{n}") for n in range(1000)]
    answers = await asyncio.gather(*(organizer.many(*(said if n % 2 else said[::-1])) for n in range(8)))
    assert {answer.status_code for answer in answers} == {202}
    assert sum(answer.json()["accepted"] for answer in answers) == 1000
    assert sum(answer.json()["duplicates"] for answer in answers) == 7000
    assert (await count(conn, "facts"), await count(conn, "pending")) == (1000, 1000)


async def test_a_database_that_is_away_is_said_with_when_to_try_again():
    app = create_app(Settings(database_url="postgresql://127.0.0.1:1/nowhere", kafka="127.0.0.1:1"))
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as http:
            answer, ready = await asyncio.gather(Poster(http, "yf_0_0").one(signed_up("c1")), http.get("/readyz"))
            assert (await http.get("/healthz")).status_code == 200
    assert (answer.status_code, answer.headers["content-type"]) == (503, PROBLEM)
    assert int(answer.headers["retry-after"]) > 0
    assert ready.status_code == 503


# Keys


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer x", "Bearer yf_0_0", "Basic eDp5", "Bearer yf_\x7f__"])
async def test_without_a_key_nothing_is_accepted(http: httpx.AsyncClient, conn: Conn, header: str):
    answer = await http.post("/v1/events", json=signed_up("c1"), headers={"authorization": header})
    assert (answer.status_code, answer.headers["content-type"]) == (401, PROBLEM)
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert await count(conn, "facts") == 0


async def test_a_wrong_secret_and_a_revoked_key_are_refused(http: httpx.AsyncClient, conn: Conn):
    token = await keys.create(conn, name="k", role="organizer")
    assert (await Poster(http, token[:-1] + ("A" if token[-1] != "A" else "B")).one(signed_up("c1"))).status_code == 401
    assert (await Poster(http, token).one(signed_up("c1"))).status_code == 202
    await keys.revoke(conn, token.split("_")[1])
    assert (await Poster(http, token).one(signed_up("c2"))).status_code == 401


async def test_no_secret_is_stored(conn: Conn):
    token = await keys.create(conn, name="k", role="viewer")
    secret = token.split("_", 2)[2]
    for (row,) in await (await conn.execute("SELECT to_jsonb(k)::text || k.hash::text FROM keys k")).fetchall():
        assert secret not in row
        assert secret.encode().hex() not in row
    assert (await keys.verify(conn, token)).role == "viewer"


async def test_a_viewer_may_not_post(http: httpx.AsyncClient, conn: Conn):
    viewer = Poster(http, await keys.create(conn, name="v", role="viewer"))
    answer = await viewer.one(signed_up("c1"))
    assert (answer.status_code, answer.headers["content-type"]) == (403, PROBLEM)
    assert "viewer" in answer.json()["detail"]
    assert await count(conn, "facts") == 0


def offer(kind: str, name: str, **more: Any) -> Event:
    return event(f"offer.{kind}", candidate="c1", offer=name, **more)


@pytest.fixture
async def employer(http: httpx.AsyncClient, conn: Conn, organizer: Poster) -> Poster:
    """The key of huayou, with an offer `ours` of huayou and an offer `theirs` of another employer."""
    await organizer.many(
        offer("extended", "ours", employer="huayou", position="P"),
        offer("extended", "theirs", employer="other", position="P"),
        signed_up("c1", id="organizers-own"),
    )
    return Poster(http, await keys.create(conn, name="huayou", role="employer", employer="huayou"))


@pytest.mark.parametrize(
    ("given", "may"),
    [
        (event("candidate.interviewed", candidate="c1", employer="huayou"), True),
        (event("candidate.interviewed", candidate="c1", employer="other"), False),
        (hired("c1"), True),
        (hired("c1", employer="other"), False),
        (event("hire.ended", candidate="c1", employer="huayou", ended_on="2026-08-01"), True),
        (event("opening.set", opening="o", employer="huayou", position="P", seats=3), True),
        (event("opening.set", opening="o", employer="other", position="P", seats=3), False),
        (offer("extended", "new", employer="huayou", position="P"), True),
        (offer("extended", "ours", employer="huayou", position="Q"), True),
        (offer("extended", "theirs", employer="huayou", position="P"), False),
        (offer("extended", "new", employer="other", position="P"), False),
        (offer("rescinded", "ours"), True),
        (offer("accepted", "ours"), True),
        (offer("rescinded", "theirs"), False),
        (offer("declined", "never-extended"), False),
        (retraction("organizers-own", candidate="c1"), False),
        (retraction("never-posted"), False),
        (signed_up("c1"), False),
        (opened(), False),
        (target("t"), False),
        (event("employer.set", employer="huayou", name="Huayou"), False),
        (event("candidate.erased", candidate="c1"), False),
        (event("benefit.paid", candidate="c1", benefit="b", kind="insurance"), False),
    ],
    ids=lambda value: str(value["type"]) if isinstance(value, dict) else str(value),
)
async def test_what_an_employers_key_may_post(employer: Poster, conn: Conn, given: Event, may: bool):
    before = await count(conn, "facts")
    alone = await employer.one(given)
    assert alone.status_code == (202 if may else 403)
    assert await count(conn, "facts") == before + may
    among = await employer.many({**given, "id": "again"}, hired("huayou:9"))
    assert among.status_code == (202 if may else 207)
    assert among.json()["accepted"] == 1 + may


async def test_an_employer_retracts_what_it_posted_and_answers_what_comes_along(employer: Poster):
    assert (await employer.one(hired("c1", id="mine"))).status_code == 202
    assert (await employer.one(retraction("mine"))).status_code == 202
    both = [offer("extended", "new", employer="huayou", position="P"), offer("rescinded", "new")]
    assert (await employer.many(*both)).json()["accepted"] == 2


async def test_an_offer_may_be_spoken_for_once_the_mistaken_one_is_retracted(
    employer: Poster, organizer: Poster, conn: Conn
):
    await organizer.one(offer("extended", "mixed", employer="other", position="P", id="mistake"))
    await organizer.one(offer("extended", "mixed", employer="huayou", position="P"))
    assert (await employer.one(offer("accepted", "mixed"))).status_code == 403
    await conn.execute("INSERT INTO retractions VALUES (%s, '/hr/test', 'mistake')", [CAMPAIGN])
    assert (await employer.one(offer("accepted", "mixed"))).status_code == 202
