"""Who was erased stays so when an older copy of the database is restored."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest

from schemas.errors import ConfigurationError
from schemas.topics import SEQ_HEADER
from storage.database import Conn, connect
from storage.journeys import people
from storage.ledger.events import WHOLE
from storage.ledger.positions import Log
from storage.ledger.restoring import nameless, put_in_order
from storage.vault.erasing import erase_again
from storage.vault.process import vault
from storage.vault.register import Register, forgotten_by, note_all
from streams.apply import apply_batch
from streams.audit import audit
from streams.intake import Incoming
from tests.facts import CAMPAIGN, event, hired, signed_up, target
from tests.stand_ins.key_service import KeyService
from tests.strategies import Event

NOW = datetime(2027, 1, 1, tzinfo=UTC)
CUT = "2026-04-01T01:00:00+00:00"
LI = (CAMPAIGN, "c1")
PERSON = signed_up("c1", name="李思雨", email="li.siyu@example.com")


@pytest.fixture
def register(tmp_path: Path) -> Register:
    return Register(tmp_path / "erased.log", KeyService())


async def apply(conn: Conn, *events: Event) -> None:
    batch = [Incoming("yinfeng.facts", 0, n, None, json.dumps(e).encode(), ()) for n, e in enumerate(events)]
    await apply_batch(conn, batch, now=NOW)


async def test_erasures_are_noted_once_and_name_nobody(conn: Conn, register: Register, tmp_path: Path):
    await apply(conn, PERSON, event("candidate.erased", candidate="c1", time=CUT))
    assert await note_all(conn, register) == 1
    assert await note_all(conn, register) == 0
    text = (tmp_path / "erased.log").read_text()
    assert not [word for word in (CAMPAIGN, "李思雨") if word in text]
    assert (tmp_path / "erased.log").stat().st_mode & 0o777 == 0o600
    assert register.among([LI, (CAMPAIGN, "c2")]) == {LI: datetime.fromisoformat(CUT)}


async def test_a_copy_from_before_is_made_to_forget(conn: Conn, register: Register, database_url: str):
    await apply(conn, target("t"), PERSON, hired("c1"), signed_up("c2", name="Stays"))
    register.note([(*LI, datetime.fromisoformat(CUT))])
    forgotten = await forgotten_by(conn, register)
    assert list(forgotten) == [LI]
    async with conn.transaction():
        assert await erase_again(conn, forgotten) == 1
    assert await vault().profiles(conn, [LI]) == {}
    assert await people.names(conn, CAMPAIGN, ["c1", "c2"]) == {"c2": "Stays"}
    assert await forgotten_by(conn, register) == {}
    rows = await (await conn.execute(f"SELECT seq, {WHOLE} FROM facts f JOIN pending USING (seq)")).fetchall()
    waiting = [Incoming("f", 0, n, None, t.encode(), ((SEQ_HEADER, str(n).encode()),)) for n, t in rows]
    await apply_batch(conn, waiting, now=NOW)
    async with await connect(database_url, name="audit") as reader:
        assert (await audit(reader)).differences == []


async def restore(conn: Conn, register: Register) -> None:
    """What `yinfeng restored` does with the database."""
    async with conn.transaction():
        await put_in_order(conn, NOW, Log("k", "yinfeng.facts", "0"), {0: 0}, {0: 5})
        await erase_again(conn, await forgotten_by(conn, register))


async def order(conn: Conn) -> list[tuple[Any, ...]]:
    """All that it changes, but for the numbers that it skips."""
    query = """
        SELECT (SELECT array_agg((id, status, cause) ORDER BY id) FROM messages)::text,
               (SELECT count(*) FROM message_attempts),
               (SELECT array_agg((partition, next_offset, doubt_until)) FROM positions)::text,
               (SELECT count(*) FROM facts WHERE type = 'candidate.erased'), (SELECT count(*) FROM pending),
               (SELECT array_agg((candidate, name, life) ORDER BY candidate) FROM vault.person)::text
    """
    return await (await conn.execute(query)).fetchall()


def dying(conn: Conn, step: int, killer: Conn) -> Callable[..., Any]:
    """This connection's way to ask: its server ends it before the so-manieth question."""
    whole, pid, left = conn.execute, conn.info.backend_pid, step

    async def execute(*said: Any, **more: Any) -> Any:
        nonlocal left
        left -= 1
        if left == 0:
            await killer.execute("SELECT pg_terminate_backend(%s)", [pid])
        return await whole(*said, **more)

    return execute


async def test_restoring_that_was_killed_at_any_step_is_begun_again(
    conn: Conn, register: Register, database_url: str, monkeypatch: pytest.MonkeyPatch
):
    """Nothing of it stands then; and done once more, it is as if it had been done once."""
    await apply(conn, target("t"), PERSON, hired("c1"), signed_up("c2", name="Stays", email="s@example.com"))
    register.note([(*LI, datetime.fromisoformat(CUT))])
    before, steps, killed = await order(conn), 0, True
    while killed:
        steps += 1
        async with await connect(database_url, name="restored") as other:
            monkeypatch.setattr(other, "execute", dying(other, steps, conn))
            try:
                await restore(other, register)
                killed = False
            except psycopg.OperationalError:
                assert await order(conn) == before
    once = await order(conn)
    assert once != before
    await restore(conn, register)
    assert await order(conn) == once


async def test_a_later_life_is_not_taken_for_the_earlier_one(conn: Conn, register: Register):
    again = signed_up("c1", name="Again", time="2026-05-01T09:00:00+08:00")
    await apply(conn, PERSON, event("candidate.erased", candidate="c1", time=CUT), again)
    await note_all(conn, register)
    assert await forgotten_by(conn, register) == {}


async def test_a_line_that_a_crash_cut_off_is_left_out(register: Register, tmp_path: Path):
    register.note([(*LI, datetime.fromisoformat(CUT))])
    with (tmp_path / "erased.log").open("a") as file:
        file.write("\nabcdef 2026-0")
    register.note([(CAMPAIGN, "c2", datetime.fromisoformat(CUT))])
    assert list(register.among([LI, (CAMPAIGN, "c2")])) == [LI, (CAMPAIGN, "c2")]


async def test_a_rotation_wraps_its_key_anew_and_another_master_can_t_read_it(tmp_path: Path):
    master = KeyService()
    register = Register(tmp_path / "erased.log", master)
    register.note([(*LI, datetime.fromisoformat(CUT))])
    master.rotate()
    register.wrap_anew()
    assert (tmp_path / "erased.log").read_text().startswith(f"key {master.current}:")
    assert list(register.among([LI])) == [LI]
    with pytest.raises(ConfigurationError):
        Register(tmp_path / "erased.log", KeyService()).among([LI])


async def test_whose_keys_a_copy_has_not_counts_without_a_name_until_signed_up_again(conn: Conn):
    """What was sealed since comes again from Kafka under keys that are nowhere; what was not is sealed anew."""
    await apply(conn, target("t", "signed_up"), PERSON)
    sealed = await (await conn.execute(f"SELECT {WHOLE} FROM facts f WHERE candidate = 'c1'")).fetchall()
    await conn.execute("DELETE FROM facts WHERE candidate = 'c1'")
    await conn.execute("DELETE FROM journeys; DELETE FROM vault.person WHERE candidate = 'c1'")
    await conn.execute("UPDATE targets SET progress = 0; DELETE FROM target_days")
    await apply(conn, *(json.loads(each) for (each,) in sealed), signed_up("c2", name="Straight"))
    assert await people.names(conn, CAMPAIGN, ["c1", "c2"]) == {"c2": "Straight"}
    assert await nameless(conn, 10) == ([LI], 1)
    await apply(conn, PERSON)  # the same fact says nothing new
    assert await nameless(conn, 10) == ([LI], 1)
    await apply(conn, {**PERSON, "id": "again"})
    assert await nameless(conn, 10) == ([], 0)
    assert await people.names(conn, CAMPAIGN, ["c1"]) == {"c1": "李思雨"}
