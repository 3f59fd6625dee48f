"""Journeys are stored with what they say over and over once, and read as they were, by this program and by SQL."""

from __future__ import annotations

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg import AsyncConnection

from schemas.facts import validate_event
from schemas.journey import Journey
from storage.journeys import journeys
from storage.journeys.journeys import Stored
from storage.journeys.states import read_state, stored_state, whole_text
from streams.domain.fold import fold
from tests.facts import event, fact, hired, signed_up
from tests.strategies import events

KEY = ("grads-2026", "c1")
UNTIL = """INSERT INTO secrets (name, value)
VALUES ('events_whole_until', convert_to((now() + interval '1 hour')::text, 'UTF8'))"""
plain = msgspec.json.Encoder().encode
SIGNED = signed_up("c1", school="南京大学", education="master", email="a@example.com", fair="f1")
SAID = [SIGNED, hired("c1"), event("offer.extended", candidate="c1", offer="o1", employer="e1", position="p")]


def journey(*said: dict) -> Journey:
    return fold([validate_event(each) for each in said])


@given(st.lists(events(), max_size=12))
def test_whatever_is_known_is_read_as_it_was(said: list[dict]):
    known = fold(validate_event(each) for each in said)
    assert read_state(stored_state(known)) == known == read_state(plain(known))


@pytest.mark.parametrize("school", ["[0]", "[1]", ',"stamp":', "\t", "]}", "null"])
@pytest.mark.parametrize("id", ["x", "[0]", "[1]", 'a[1]"', "\\"])
def test_what_looks_like_a_mark_is_none(school: str, id: str):
    made = journey(SIGNED, hired("c1", id=id))
    made.attributes["school"].value = school
    made.last_signup = (1, "/[0]", id)
    assert read_state(stored_state(made)) == made


def test_what_is_said_over_and_over_stands_once():
    known = journey(*SAID)
    assert len(stored_state(known)) < 0.85 * len(plain(known))
    assert stored_state(known).count(plain(known.last_signup)) == 1


async def state(conn: AsyncConnection, words: str) -> str:
    [(found,)] = await (await conn.execute(f"SELECT {words} FROM journeys")).fetchall()
    return str(found)


@pytest.mark.parametrize("beside", [False, True])
async def test_sql_reads_its_values_in_place_and_its_stamps_whole(conn: AsyncConnection, beside: bool):
    if beside:  # a process of the version before reads plain journeys alone
        await conn.execute(UNTIL)
    known = journey(*SAID)
    await journeys.store(conn, {KEY: (Stored(0, known), {})})
    text = "convert_from(state, 'UTF8')"
    assert await state(conn, f"{text}::jsonb #>> '{{attributes,school,value}}'") == "南京大学"
    assert await state(conn, whole_text(text)) == plain(known).decode()
    assert (await state(conn, text) == plain(known).decode()) == beside
    assert (await journeys.load(conn, [KEY]))[KEY].journey == known


async def test_what_an_earlier_version_stored_is_read(conn: AsyncConnection):
    known = fold([fact("candidate.signed_up", candidate="c1", name="Li", school="[0]")])
    await journeys.store(conn, {KEY: (Stored(0, known), {})})
    await conn.execute("UPDATE journeys SET state = %b", [plain(known)])
    assert (await journeys.load(conn, [KEY]))[KEY].journey == known
    assert json.loads(await state(conn, whole_text("convert_from(state, 'UTF8')"))) == json.loads(plain(known))
