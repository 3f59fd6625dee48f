"""What a message wants of the fact that asked for it is read there, whatever the fact says; of no other fact."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import AsyncConnection

from schemas.facts import Fact, build_fact, validate_event
from schemas.kinds import FACT_KINDS
from schemas.messages import DAILY_DIGEST, OWN_PAGE, SIGNUP_CONFIRMATION, WELCOME, MessageRequest
from schemas.sealed import SEALED, personal_fields
from storage.database import connect
from storage.ledger import ledger
from storage.messages import asking, claiming
from storage.messages.of_facts import id_of, params_of
from streams.apply import apply_batch
from streams.domain.requests import candidate_requests
from tests.facts import event, hired, opened, signed_up
from tests.integration.applying import NOW, incoming
from tests.strategies import Event, events

REAL = settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
UNTIL = """INSERT INTO secrets (name, value)
VALUES ('events_whole_until', convert_to((now() + interval '1 hour')::text, 'UTF8'))"""
ASKING = events(sorted(FACT_KINDS))


async def params(conn: AsyncConnection) -> list[Any]:
    """What stands in the rows themselves."""
    return [own for (own,) in await (await conn.execute("SELECT params FROM messages ORDER BY id")).fetchall()]


async def read(conn: AsyncConnection) -> dict[str, Any]:
    """What messages want, by the fact that asked for each."""
    cursor = await conn.execute(f"SELECT {id_of('m')}, {params_of('m')} FROM messages m")
    return dict(await cursor.fetchall())


def expected(said: Fact) -> dict[str, Any]:
    """What is nobody's own and stands in no column of the message; of a signup, the fair."""
    left_out = {"campaign", "candidate", *personal_fields(said.type)}
    kept = {name: value for name, value in said.data.items() if name not in left_out}
    return {name: kept[name] for name in kept if name == "fair"} if said.type == "candidate.signed_up" else kept


@REAL
@given(st.lists(ASKING, min_size=1, max_size=5, unique_by=lambda said: said["id"]), st.booleans())
def test_it_is_what_the_fact_says_without_what_is_personal(database_url: str, said: list[Event], beside: bool):
    asyncio.run(said_and_read(database_url, [validate_event(each) for each in said], beside))


async def said_and_read(url: str, facts: list[Fact], beside: bool) -> None:
    async with await connect(url, name="test") as conn:
        await conn.execute("TRUNCATE facts, pending, messages, secrets")
        if beside:
            await conn.execute(UNTIL)
        numbers = (await ledger.claim_new(conn, [sealed(each) for each in facts])).numbers
        await asking.request(conn, [request for each in facts for request in candidate_requests(each)], numbers=numbers)
        own = await (await conn.execute("SELECT params, source, fact, asked_by FROM messages")).fetchall()
        assert {tuple(value is not None for value in row) for row in own} <= {(beside, beside, beside, not beside)}
        assert await read(conn) == {each.id: expected(each) for each in facts if each.id in await read(conn)}


def sealed(said: Fact) -> Fact:
    """As it stands in the ledger."""
    data = {name: value for name, value in said.data.items() if name not in personal_fields(said.type)}
    return build_fact({**said.event, "data": data, SEALED: "as nobody can read it"})


ROWS = "SELECT to_jsonb(m) - '{id,asked_by,nonce,requested_at}'::text[], asked_by FROM messages m ORDER BY id"


@pytest.mark.parametrize("noted", ["", "events_whole_until", "wide_reasons", "long_reasons"])
async def test_supposed_new_or_not_the_same_is_asked_for_and_each_by_its_own_fact(conn: AsyncConnection, noted: str):
    said = [hired(f"c{n}", id=f"h{n % 7}-{n}-é" if n % 2 else f"H{n}") for n in range(40)]
    facts = [sealed(validate_event(each)) for each in said]
    requests = [request for each in facts for request in candidate_requests(each)]
    until = (datetime.now(UTC) + timedelta(hours=1)).isoformat().encode() if noted == "events_whole_until" else b""
    found = []
    for supposed_new in (False, True):
        await conn.execute("TRUNCATE facts, messages, secrets")
        if noted:
            await conn.execute("INSERT INTO secrets (name, value) VALUES (%s, %s)", [noted, until])
        numbers = (await ledger.claim_new(conn, facts, supposed_new=supposed_new)).numbers
        stored = await (await conn.execute("SELECT seq, source, id FROM facts")).fetchall()
        assert numbers == {(source, id): seq for seq, source, id in stored}
        ids = await asking.request(conn, requests, numbers=numbers, supposed_new=supposed_new)
        assert len(ids) == len(requests)
        rows = await (await conn.execute(ROWS)).fetchall()
        found.append([row for row, _ in rows])
        asked_by = [
            None if noted == "events_whole_until" else numbers["/hr/test", each.fact or ""] for each in requests
        ]
        assert Counter(by for _, by in rows) == Counter(asked_by)
    assert found[0] == found[1]


async def test_beside_what_is_asked_for_first_what_was_cancelled_goes_after_all(conn: AsyncConnection):
    one, again, other = (
        sealed(validate_event(hired(who, id=id))) for who, id in (("c1", "h1"), ("c1", "h9"), ("c2", "h2"))
    )
    numbers = (await ledger.claim_new(conn, [one, again, other])).numbers
    first = await asking.request(conn, candidate_requests(one), numbers=numbers)
    assert await asking.request(conn, candidate_requests(one), numbers=numbers) == []
    await conn.execute("UPDATE messages SET status = 'cancelled', cause = 'moot'")
    asked = await asking.request(conn, candidate_requests(again) + candidate_requests(other), numbers=numbers)
    assert asked[: len(first)] == first
    assert len(asked) == 2 * len(first)
    assert await params(conn) == [None] * len(asked)


async def test_what_no_fact_asks_for_may_be_supposed_new_beside_what_one_does(conn: AsyncConnection):
    fact = sealed(validate_event(hired("c1", id="h1")))
    numbers = (await ledger.claim_new(conn, [fact], supposed_new=True)).numbers
    hr = MessageRequest(DAILY_DIGEST, "digest:1", fact.campaign, None, {"percent": 50})
    both = [*candidate_requests(fact), hr]
    assert len(await asking.request(conn, both, numbers=numbers, supposed_new=True)) == len(both)
    assert {"percent": 50} in await params(conn)


async def test_what_a_sender_takes_is_told_what_the_fact_says(conn: AsyncConnection):
    await apply_batch(conn, incoming(opened(), signed_up("c1", fair="f1"), hired("c1", id="h1")), now=NOW)
    assert await params(conn) == [None, None, None]
    async with conn.transaction():
        due = await claiming.due(conn, [WELCOME, SIGNUP_CONFIRMATION], limit=10)
    assert [(each.kind, each.params) for each in due] == [
        (SIGNUP_CONFIRMATION, {"fair": "f1"}),
        (WELCOME, {"employer": "huayou", "started_on": "2026-07-01"}),
    ]


async def test_what_an_earlier_version_wrote_or_no_fact_asked_for_is_read_as_it_stands(conn: AsyncConnection):
    await apply_batch(conn, incoming(opened(), signed_up("c1", id="s1", fair="f1")), now=NOW)
    await conn.execute("""UPDATE messages SET params = '{"fair": "f2"}'""")
    await asking.request(conn, [MessageRequest(OWN_PAGE, "own:1", "grads-2026", "c1", {})])
    assert await params(conn) == [{"fair": "f2"}, {}]
    assert await read(conn) == {"s1": {"fair": "f2"}, None: {}}


async def test_a_reason_that_arises_again_wants_what_the_later_fact_says(conn: AsyncConnection):
    await apply_batch(conn, incoming(opened(), hired("c1", id="h1", position="Clerk")), now=NOW)
    await conn.execute("UPDATE messages SET status = 'cancelled', cause = 'moot', params = '{}'")
    await apply_batch(conn, incoming(hired("c1", id="h2", position="Engineer")), now=NOW)
    assert {told["position"] for told in (await read(conn)).values()} == {"Engineer"}


async def test_nothing_is_wanted_of_what_was_erased(conn: AsyncConnection):
    await apply_batch(conn, incoming(opened(), signed_up("c1", id="s1", fair="f1")), now=NOW)
    await apply_batch(conn, incoming(event("candidate.erased", candidate="c1")), now=NOW)
    assert await read(conn) == {"s1": {}}
