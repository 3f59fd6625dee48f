"""A person of whom a batch is the first to hear gets their row once, with all that it says of them."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest

from schemas.errors import ConcurrentChange
from storage.database import Conn, connect
from storage.ledger import ledger
from storage.vault.process import vault
from tests.facts import CAMPAIGN, event, opened, signed_up, target
from tests.integration.applying import apply, rows

LI, HAN = (CAMPAIGN, "c1"), (CAMPAIGN, "c2")
SIGNUP = signed_up("c1", name="李思雨", email="li.siyu@example.com", id="s1")
WITHDREW = event("candidate.withdrew", candidate="c1", reason="went home", time="2026-03-09T09:00:00+08:00")
ERASED = event("candidate.erased", candidate="c1", time="2026-05-01T09:00:00+08:00")
UNREADABLE = SIGNUP | {"id": "s2", "type": "candidate.unheard_of"}
VERSIONS = "SELECT max((ctid::text::point)[1]), count(*) FROM vault.person"  # rows that were written; that there are


async def name(conn: Conn) -> object:
    return (await vault().profiles(conn, [LI])).get(LI, {}).get("name")


async def reasons(conn: Conn) -> set[object]:
    facts = (await ledger.facts_of_candidates(conn, [LI]))[LI]
    return {fact.data.get("reason") for fact in await vault().open(conn, facts)}


async def test_their_row_is_written_once(conn: Conn):
    await apply(conn, opened())
    await conn.execute("VACUUM FULL vault.person")
    await apply(conn, SIGNUP, signed_up("c2", name="韩梅", id="s2"), WITHDREW)
    assert await rows(conn, VERSIONS) == [(3, 3)]  # the platform's own among them
    assert await name(conn) == "李思雨"


async def test_what_is_said_of_who_never_signed_up_can_be_read(conn: Conn):
    await apply(conn, opened(), WITHDREW)
    assert await reasons(conn) == {"went home"}
    await apply(conn, SIGNUP)
    assert (await reasons(conn), await name(conn)) == ({None, "went home"}, "李思雨")


@pytest.mark.parametrize("others", [[UNREADABLE], [target("t")], [UNREADABLE, ERASED], [ERASED]])
async def test_what_else_comes_with_the_first_word(conn: Conn, others: list[dict[str, object]]):
    await apply(conn, opened())
    done = await apply(conn, SIGNUP, *others)
    assert len(done.dead_letters) == others.count(UNREADABLE)
    assert await name(conn) == (None if ERASED in others else "李思雨")


async def test_who_was_entered_meanwhile_is_a_conflict(database_url: str, conn: Conn):
    await apply(conn, opened())
    now = datetime(2026, 3, 9, tzinfo=UTC)
    async with await connect(database_url, name="test") as other:
        async with other.transaction():
            theirs = await vault().keys.for_sealing(other, {LI: now})
            applying = asyncio.create_task(apply(conn, SIGNUP, WITHDREW))
            await asyncio.sleep(0.3)
            assert not applying.done()
        with pytest.raises(ConcurrentChange):
            await applying
    await apply(conn, SIGNUP, WITHDREW)
    assert await vault().keys.held(conn, [LI]) == theirs
    assert (await name(conn), await reasons(conn)) == ("李思雨", {None, "went home"})


async def test_who_was_erased_meanwhile_gets_the_key_of_the_next_life(database_url: str, conn: Conn):
    await apply(conn, opened())
    later = SIGNUP | {"time": "2026-05-20T09:00:00+08:00"}
    async with await connect(database_url, name="test") as other:
        async with other.transaction():
            await vault().keys.destroy(other, [(*LI, datetime(2026, 5, 1, tzinfo=UTC))])
            applying = asyncio.create_task(apply(conn, later))
            await asyncio.sleep(0.3)
        with pytest.raises(ConcurrentChange):
            await applying
    await apply(conn, later)
    assert (await vault().keys.held(conn, [LI]))[LI].life == 2
    assert await name(conn) == "李思雨"
