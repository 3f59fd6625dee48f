"""Reasons for messages beside those of the version before: what one has asked for, the other does not ask for again."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from psycopg import AsyncConnection

from schemas.messages import OFFER, OFFER_DECLINED, WELCOME, MessageRequest, dedupe_key
from storage import auditing
from storage.messages import asking, digests, reasons
from streams.apply import apply_batch
from tests.facts import event, hired
from tests.integration.test_apply import NOW, incoming

# What versions before do: with 23 characters, or with the whole key.
FORMS = {"wide_reasons": 1, "long_reasons": 2}
ASK = """
INSERT INTO messages (dedupe_key, kind, campaign, candidate, params) VALUES (%s, %s, %s, %s, '{}')
ON CONFLICT (dedupe_key) DO NOTHING RETURNING id
"""


def request(kind: str = WELCOME, candidate: str | None = "c1", fact: str = "f1") -> MessageRequest:
    key = dedupe_key(kind, "grads-2026", candidate, ["huayou"])
    return MessageRequest(kind, key, "grads-2026", candidate, {"employer": "huayou"}, "/hr", fact)


@pytest.fixture(params=FORMS)
def form(request: pytest.FixtureRequest) -> str:
    """By what it is noted that there are keys of before."""
    return str(request.param)


def key_of_before(wanted: MessageRequest, form: str) -> str:
    return reasons.forms(wanted.dedupe_key, wanted.campaign, wanted.candidate)[FORMS[form]]


async def ask_as_before(conn: AsyncConnection, wanted: MessageRequest, form: str) -> int:
    """How many messages that made."""
    cursor = await conn.execute(ASK, [key_of_before(wanted, form), wanted.kind, wanted.campaign, wanted.candidate])
    return len(await cursor.fetchall())


async def as_of_before(conn: AsyncConnection, wanted: MessageRequest, form: str) -> None:
    """Let the one message be one that was asked for before reasons were short."""
    await conn.execute("UPDATE messages SET dedupe_key = %s", [key_of_before(wanted, form)])
    await conn.execute("INSERT INTO secrets (name, value) VALUES (%s, '')", [form])


async def keys(conn: AsyncConnection) -> list[str]:
    return [key for (key,) in await (await conn.execute("SELECT dedupe_key FROM messages ORDER BY id")).fetchall()]


@pytest.mark.parametrize("candidate", ["c1", "李 思/雨", None])
async def test_what_the_version_before_asks_for_is_kept_under_the_same_short_key(
    conn: AsyncConnection, candidate: str | None, form: str
):
    wanted = request(candidate=candidate)
    assert await ask_as_before(conn, wanted, form) == 1
    assert await keys(conn) == [reasons.stored(wanted.dedupe_key, "grads-2026", candidate)]
    assert await asking.request(conn, [wanted]) == []
    assert await ask_as_before(conn, wanted, form) == 0


async def test_what_this_version_asked_for_the_version_before_does_not_ask_for(conn: AsyncConnection, form: str):
    assert len(await asking.request(conn, [request(), request(OFFER_DECLINED)])) == 2
    assert await ask_as_before(conn, request(), form) == 0
    assert len(await keys(conn)) == 2


async def test_what_was_asked_for_before_reasons_were_short_is_known(conn: AsyncConnection, form: str):
    hr = request(candidate=None)
    await asking.request(conn, [hr])
    await as_of_before(conn, hr, form)
    assert await asking.request(conn, [hr]) == []
    assert await ask_as_before(conn, hr, form) == 0
    assert await keys(conn) == [key_of_before(hr, form)]
    assert await digests.asked_before(conn, {hr.dedupe_key: "grads-2026", "other:1": "grads-2026"}) == {hr.dedupe_key}
    assert await auditing.unasked(conn, [hr, request()]) == [request().dedupe_key]


async def test_a_reason_of_before_that_arises_again_lets_its_own_message_go(conn: AsyncConnection, form: str):
    await asking.request(conn, [request()])
    await as_of_before(conn, request(), form)
    await conn.execute("UPDATE messages SET status = 'cancelled', cause = 'moot'")
    assert len(await asking.request(conn, [request(fact="f2")])) == 1
    assert await keys(conn) == [key_of_before(request(), form)]


@pytest.mark.parametrize(("hired_one", "offered_one"), [("c1", "c2"), ("c2", "c1")])
async def test_of_several_persons_each_reason_arises_again_by_what_took_back_its_own_message(
    conn: AsyncConnection, hired_one: str, offered_one: str
):
    for day, facts in enumerate(
        [
            [hired(hired_one), _offer("extended", offered_one)],
            [
                event("hire.ended", candidate=hired_one, employer="huayou", ended_on="2026-08-01"),
                event("offer.rescinded", candidate=offered_one, offer="o"),
            ],
            [hired(hired_one), _offer("extended", offered_one)],
        ],
        1,
    ):
        await conn.execute("UPDATE messages SET status = 'sent', sent_at = now()")
        told = [{**each, "time": f"2026-03-{day:02}T00:00:00Z"} for each in facts]
        await apply_batch(conn, incoming(*told), now=NOW)
    again = "SELECT kind, candidate FROM messages WHERE status = 'requested' AND cause = 'again' ORDER BY kind"
    rows = await (await conn.execute(again)).fetchall()
    assert {(kind, who) for kind, who in rows} >= {(OFFER, offered_one), (WELCOME, hired_one)}


def _offer(what: str, candidate: str) -> dict[str, Any]:
    return event(f"offer.{what}", candidate=candidate, offer="o", employer="huayou", position="Engineer")


async def test_no_key_is_there_twice(conn: AsyncConnection):
    await asking.request(conn, [request()])
    with pytest.raises(psycopg.errors.UniqueViolation):
        await conn.execute(
            "INSERT INTO messages (dedupe_key, kind, campaign, params) SELECT dedupe_key, kind, campaign, params"
            " FROM messages"
        )


async def test_of_one_person_messages_are_numbered_as_they_were_asked_for_and_all_as_they_are_written(
    conn: AsyncConnection,
):
    wanted = [request(kind, who) for who in ("c1", "c2", "c3", None) for kind in (WELCOME, OFFER_DECLINED)]
    asked = await asking.request(conn, wanted)
    assert asked == sorted(asked)
    assert len(asked) == len(wanted)
    written = "SELECT id, candidate, kind FROM messages ORDER BY ctid"
    rows = await (await conn.execute(written)).fetchall()
    assert [id for id, _, _ in rows] == asked
    for who in ("c1", "c2", "c3", None):
        assert [kind for _, candidate, kind in rows if candidate == who] == [WELCOME, OFFER_DECLINED]
