"""The list of candidates: narrowed, searched, in pages, as an employer may see it; and what is gone is not found."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.errors import Refused
from storage.database import Conn
from storage.journeys import people
from storage.journeys.narrowing import Wanted
from streams.catching_up import draw_persons, tag_journeys
from streams.upkeep import STEPS
from tests.facts import CAMPAIGN, event, hired, opened, retraction, signed_up
from tests.integration.reading import apply

FAIR = event(
    "fair.scheduled",
    fair="f1",
    title="F",
    mode="onsite",
    starts_at="2026-05-01T09:00:00+08:00",
    ends_at="2026-05-01T17:00:00+08:00",
    employers=["beta"],
)
OFFER = {"employer": "huayou", "position": "Chemist", "expires_at": "2026-05-02T00:00:00+08:00"}
PEOPLE = [
    opened(),
    FAIR,
    signed_up(
        "c1", name="李思雨", phone="138 0013 8000", email="Li@example.com", fair="f1", education="master", consent=True
    ),
    signed_up("c2", name="王伟", school="浙江大学", chain="lithium", fair="f1"),
    signed_up("c3", name="Anna Müller", education="doctor", id="s3"),
    event("candidate.interviewed", candidate="c2", employer="huayou"),
    event("offer.extended", candidate="c1", offer="o", **OFFER),
    hired("c3"),
    event("candidate.withdrew", candidate="c4", time="2026-03-09T09:00:00+08:00"),
    signed_up("beta:5", name="李小龙"),
]
WEEK = (datetime(2026, 5, 1, tzinfo=UTC), datetime(2026, 5, 8, tzinfo=UTC))


async def found(conn: Conn, **wanted: Any) -> list[str]:
    return [each.candidate for each in (await people.listed(conn, CAMPAIGN, Wanted(**wanted), limit=100)).people]


@pytest.mark.parametrize(
    ("wanted", "candidates"),
    [
        ({}, ["beta:5", "c1", "c2", "c3", "c4"]),
        ({"q": "李"}, ["beta:5", "c1"]),
        ({"q": "思雨"}, ["c1"]),
        ({"q": "lisiyu"}, ["c1"]),
        ({"q": "li"}, ["beta:5", "c1"]),
        ({"q": "lsy"}, ["c1"]),
        ({"q": "muller"}, ["c3"]),
        ({"q": "+86 13800138000"}, ["c1"]),
        ({"q": "li@EXAMPLE.com"}, ["c1"]),
        ({"q": "nobody@example.com"}, []),
        ({"q": "c4"}, ["c4"]),
        ({"q": "beta:"}, ["beta:5"]),
        ({"q": "%"}, []),
        ({"q": "李", "stage": "offered"}, ["c1"]),
        ({"stage": "interviewed"}, ["c1", "c2", "c3"]),
        ({"stage": "interviewed", "only": True}, ["c2"]),
        ({"stage": "withdrew"}, ["c4"]),
        ({"fair": "f1"}, ["c1", "c2"]),
        ({"fair": "f1", "education": "master"}, ["c1"]),
        ({"employer": "huayou"}, ["c1", "c2", "c3"]),
        ({"school": "浙江大学"}, ["c2"]),
        ({"chain": "lithium", "education": "master"}, []),
        ({"ends": WEEK}, ["c1"]),
        ({"waits": True}, ["c2"]),
        ({"sees": "huayou"}, ["c1", "c2", "c3"]),
        ({"sees": "beta"}, ["beta:5", "c1"]),
        ({"sees": "beta", "q": "李小龙"}, ["beta:5"]),
        ({"sees": "beta", "ends": WEEK}, []),
        ({"sees": "huayou", "ends": WEEK}, ["c1"]),
        ({"sees": "beta", "waits": True}, []),
        ({"sees": "huayou", "waits": True}, ["c2"]),
        ({"sees": "none"}, []),
    ],
    ids=str,
)
async def test_who_is_in_the_list(conn: Conn, wanted: dict[str, Any], candidates: list[str]):
    await apply(conn, *PEOPLE)
    assert await found(conn, **wanted) == candidates


async def test_pages_follow_one_another(conn: Conn):
    await apply(conn, *PEOPLE)
    page = await people.listed(conn, CAMPAIGN, Wanted(q="li"), limit=1)
    assert ([each.candidate for each in page.people], page.onward) == (["beta:5"], "beta:5")
    page = await people.listed(conn, CAMPAIGN, Wanted(q="li"), after="beta:5", limit=5)
    assert ([(each.candidate, each.name) for each in page.people], page.onward) == ([("c1", "李思雨")], None)


async def test_who_was_erased_or_is_called_otherwise_is_not_found(conn: Conn):
    await apply(conn, *PEOPLE)
    await apply(
        conn,
        event("candidate.erased", candidate="c1", time="2026-06-01T09:00:00+08:00"),
        retraction("s3", candidate="c3"),
        signed_up("c2", name="王磊", time="2026-06-01T09:00:00+08:00"),
    )
    texts = ("lisiyu", "李思雨", "13800138000", "li@example.com", "anna", "王伟", "wangwei")
    assert [await found(conn, q=text) for text in texts] == [[] for _ in texts]
    assert await found(conn, q="wanglei") == ["c2"]
    assert await found(conn, stage="erased") == ["c1"]
    sought = "SELECT pinyin, initials, sought, phone, email, drawn FROM vault.person WHERE candidate IN ('c1', 'c3')"
    assert {*(await (await conn.execute(sought)).fetchall())} == {(None,) * 6}


async def test_what_an_earlier_version_drew_is_drawn_anew(conn: Conn):
    await apply(conn, *PEOPLE)
    await conn.execute("UPDATE vault.person SET sought = NULL, pinyin = NULL, phone = 'x', drawn = NULL")
    await conn.execute("UPDATE journeys SET tags = NULL, offer_ends = NULL, tagged = version - 1")
    assert await found(conn, q="lisiyu") == await found(conn, fair="f1") == await found(conn, q="13800138000") == []
    for step in STEPS:
        after = ("", "")
        while place := await step(conn, after):
            assert place > after
            after = place
    assert await found(conn, q="lisiyu") == await found(conn, q="13800138000") == ["c1"]
    assert await found(conn, fair="f1") == ["c1", "c2"]
    assert await found(conn, ends=WEEK) == ["c1"]
    assert await draw_persons(conn) is None
    assert await tag_journeys(conn) is None


async def test_more_of_a_profile_that_the_version_before_kept_is_as_good_and_another_profile_is_not(conn: Conn):
    await apply(conn, *PEOPLE)
    await conn.execute("UPDATE vault.person SET drawn = '*' || left(profile, 20)")
    assert await draw_persons(conn) is None
    await conn.execute("UPDATE vault.person SET drawn = '*' || left(reverse(profile), 20) WHERE candidate = 'c1'")
    assert await draw_persons(conn) == (CAMPAIGN, "c1")
    assert await draw_persons(conn) is None


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], max_examples=30)
@given(text=st.text(max_size=30))
async def test_whatever_is_typed_is_answered(conn: Conn, text: str):
    await apply(conn, *PEOPLE[:3])
    await found(conn, q=text.replace("\0", ""), school=text.replace("\0", ""))


async def test_an_employer_reads_on_past_those_whom_it_may_not_see(conn: Conn, monkeypatch: pytest.MonkeyPatch):
    """So many at most are looked at for one part, which may have nobody in it."""
    monkeypatch.setattr(people, "LOOKED_AT", 2)
    unheard = [signed_up(f"a{n}", name="王伟", fair="f1") for n in range(5)]
    await apply(conn, *PEOPLE, *unheard)
    parts, after = [], ""
    while after is not None:
        part = await people.listed(conn, CAMPAIGN, Wanted(sees="beta"), after=after, limit=100)
        parts.append([each.candidate for each in part.people])
        after = part.onward
        assert after is None or after.startswith("yfs1.") or after in parts[-1]  # of nobody else is it told
    assert parts == [[], [], ["beta:5"], ["c1"], []]


async def test_a_part_that_is_full_says_nothing_of_those_behind_it_whom_an_employer_may_not_see(conn: Conn):
    """Else whoever signs up one of its own could ask by any search, and of any id, whether others are there."""
    hidden = [signed_up(f"c0{n}", name="李小龙", fair="f1") for n in range(5)]
    wanted = Wanted(sees="beta", q="李小龙")
    await apply(conn, *PEOPLE)
    alone = await people.listed(conn, CAMPAIGN, wanted, limit=1)
    await apply(conn, *hidden)
    assert await people.listed(conn, CAMPAIGN, wanted, limit=1) == alone


async def test_where_a_list_goes_on_is_an_employers_own(conn: Conn, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(people, "LOOKED_AT", 1)
    await apply(conn, *PEOPLE, signed_up("a0", fair="f1"))
    onward = (await people.listed(conn, CAMPAIGN, Wanted(sees="beta"), limit=100)).onward
    assert onward
    for sees, after in (("huayou", onward), ("beta", f"{onward}A")):
        with pytest.raises(Refused, match="after"):
            await people.listed(conn, CAMPAIGN, Wanted(sees=sees), after=after, limit=100)
