"""The keys of persons in a real Postgres: made once, held, destroyed, wrapped anew."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from schemas.errors import CannotOpen, ConfigurationError
from storage.database import Conn, connect
from storage.vault import rotating
from storage.vault.keys import PersonKeys
from storage.vault.master import FileMaster, make_master
from tests.stand_ins.key_service import KeyService
from yinfeng.prepare import ensure_master_key

LI, HAN = ("grads", "li"), ("grads", "han")
NOW = datetime(2026, 3, 8, tzinfo=UTC)


def at(*people: tuple[str, str], time: datetime = NOW) -> dict[tuple[str, str], datetime]:
    return dict.fromkeys(people, time)


async def test_a_person_has_one_key_and_nobody_another_s(conn: Conn):
    keys = PersonKeys(KeyService())
    made = await keys.for_sealing(conn, at(LI, HAN))
    assert made[LI].key != made[HAN].key
    assert await keys.held(conn, [LI, HAN, ("grads", "nobody")]) == made
    assert await keys.for_sealing(conn, at(LI)) == {LI: made[LI]}


async def test_who_is_erased_before_they_had_a_key_gets_none_for_what_was_said_before(conn: Conn):
    keys = PersonKeys(KeyService())
    await keys.destroy(conn, [(*LI, NOW)])
    assert (await keys.for_sealing(conn, at(LI)))[LI].key is None


async def test_two_who_make_it_at_once_have_the_same(database_url: str):
    keys = PersonKeys(KeyService())

    async def seal() -> object:
        async with await connect(database_url, name="test") as own, own.transaction():
            return (await keys.for_sealing(own, at(LI, HAN)))[LI]

    first, *others = await asyncio.gather(*(seal() for _ in range(6)))
    assert all(each == first for each in others)


async def test_a_destroyed_key_is_gone_and_the_next_life_has_another(conn: Conn):
    keys = PersonKeys(KeyService())
    before = (await keys.for_sealing(conn, at(LI)))[LI]
    await keys.destroy(conn, [(*LI, NOW)])
    gone = (await keys.held(conn, [LI]))[LI]
    assert (gone.key, gone.life, gone.erased_at) == (None, before.life + 1, NOW)
    assert await keys.for_sealing(conn, at(LI)) == {LI: gone}
    after = (await keys.for_sealing(conn, at(LI, time=NOW + timedelta(seconds=1))))[LI]
    assert after.key not in (None, before.key)
    assert after.life == gone.life


async def test_no_key_is_destroyed_between_sealing_and_the_commit(database_url: str, conn: Conn):
    keys = PersonKeys(KeyService())
    async with await connect(database_url, name="test") as other:
        async with conn.transaction():
            await keys.for_sealing(conn, at(LI))
            erasing = asyncio.create_task(keys.destroy(other, [(*LI, NOW)]))
            await asyncio.sleep(0.2)
            assert not erasing.done()
        await erasing


async def test_a_wrapped_key_can_t_be_put_into_another_s_row(conn: Conn):
    keys = PersonKeys(KeyService())
    await keys.for_sealing(conn, at(LI, HAN))
    await conn.execute(
        "UPDATE vault.person p SET key = o.key FROM vault.person o WHERE p.candidate = 'li' AND o.candidate = 'han'"
    )
    with pytest.raises(CannotOpen):
        await keys.held(conn, [LI])


async def test_a_rotation_wraps_every_key_anew(conn: Conn, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(rotating, "PORTION", 2)
    master = KeyService()
    keys = PersonKeys(master)
    people = [("grads", f"c{number}") for number in range(5)]
    before = await keys.for_sealing(conn, at(*people))
    await rotating.require_master(conn, master)
    first = master.current
    master.rotate()
    assert await rotating.wrap_anew(conn, master) == 5
    assert await rotating.wrap_anew(conn, master) == 0
    assert await keys.held(conn, people) == before
    cursor = await conn.execute("SELECT count(*) FROM vault.person WHERE NOT starts_with(key, %s)", [master.current])
    assert await cursor.fetchone() == (0,)
    await rotating.require_master(conn, master)
    cursor = await conn.execute("SELECT id FROM vault.master")
    assert {id for (id,) in await cursor.fetchall()} == {first, master.current}


class TestTheFile:
    async def test_it_is_made_once_and_proven_after(self, database_url: str, tmp_path: Path):
        path = tmp_path / "master.key"
        await ensure_master_key(database_url, path)
        before = path.read_text()
        await ensure_master_key(database_url, path)
        assert path.read_text() == before

    async def test_it_is_never_made_anew_for_a_database_that_had_one(self, database_url: str, tmp_path: Path):
        path = tmp_path / "master.key"
        await ensure_master_key(database_url, path)
        path.unlink()
        with pytest.raises(ConfigurationError, match="put back the copy"):
            await ensure_master_key(database_url, path)
        assert not path.exists()

    async def test_another_one_is_refused(self, database_url: str, tmp_path: Path):
        await ensure_master_key(database_url, tmp_path / "master.key")
        make_master(tmp_path / "other.key")
        with pytest.raises(ConfigurationError, match="put back the file"):
            await ensure_master_key(database_url, tmp_path / "other.key")

    async def test_one_that_only_calls_itself_so_is_refused(self, database_url: str, conn: Conn, tmp_path: Path):
        path = tmp_path / "master.key"
        await ensure_master_key(database_url, path)
        make_master(tmp_path / "other.key")
        forged = FileMaster(tmp_path / "other.key").current
        (tmp_path / "other.key").write_text(
            (tmp_path / "other.key").read_text().replace(forged, FileMaster(path).current)
        )
        with pytest.raises(ConfigurationError, match="belongs to it"):
            await rotating.require_master(conn, FileMaster(tmp_path / "other.key"))


async def test_who_is_erased_while_their_first_key_is_made_gets_the_key_of_the_next_life(database_url: str, conn: Conn):
    keys = PersonKeys(KeyService())
    async with await connect(database_url, name="test") as other:
        async with conn.transaction():
            await keys.destroy(conn, [(*LI, NOW)])
            sealing = asyncio.create_task(keys.for_sealing(other, at(LI, time=NOW + timedelta(seconds=1))))
            await asyncio.sleep(0.2)
            assert not sealing.done()
        made = await sealing
    assert made[LI].life == 2
    assert made == await keys.held(conn, [LI])
