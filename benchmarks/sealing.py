"""What sealing costs: facts applied sealed and in the clear, batch by batch in one run, by the processor time of worker
and Postgres; bytes a fact; and how many persons are erased a minute."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import psutil

from benchmarks.facts import campaign, journeys
from benchmarks.running import database, home
from schemas.errors import InvalidFact
from schemas.facts import Fact
from schemas.journey import Journey, Micros
from schemas.keyed import KeyedDigest
from schemas.sealed import Seal
from storage.arrays import columns
from storage.database import Conn, connect
from storage.ledger.ledger import Identity, JourneyKey
from storage.vault import profiles
from storage.vault.at_hand import AtHand, ReadSoFar
from storage.vault.drawing import NOBODY, UNKNOWN, Drawing
from storage.vault.master import Master
from storage.vault.persons import Vault, file_vault
from storage.vault.process import open_vault
from storage.vault.profiles import Profile
from storage.vault.searching import Graduated
from streams.apply import apply_batch
from streams.intake import Incoming
from tests.facts import CAMPAIGN, event

BATCH: Final = 3000
ROUNDS: Final = 10  # of one batch sealed and one in the clear
_KNOWN: Final = """
INSERT INTO vault.person (campaign, candidate) SELECT * FROM unnest(%s::text[], %s::text[]) ON CONFLICT DO NOTHING
"""
_SEARCHED: Final = {CAMPAIGN: KeyedDigest(b"what numbers and addresses are hashed under")}


class ClearDrawing(Drawing):
    """Persons are searched by the same columns, in which what they are called stands as it was said."""

    async def draw(
        self,
        conn: Conn,
        told: Mapping[JourneyKey, Profile],
        *,
        graduated: Mapping[JourneyKey, Graduated] = NOBODY,
        anew: Collection[JourneyKey] = frozenset(),
        at_hand: AtHand | None = None,
    ) -> None:
        known = sorted((key, said) for key, said in told.items() if said)
        await conn.execute(_KNOWN, columns([key for key, _ in known], 2))
        await profiles.draw(
            conn,
            [
                profiles.row_of(key, json.dumps(said), said, _SEARCHED, graduated.get(key, UNKNOWN))
                for key, said in known
            ],
        )


class Clear(Vault):
    """Keeps everything as it was said."""

    def __init__(self, master: Master) -> None:
        super().__init__(master)
        self.drawing = ClearDrawing(self.keys, os.urandom)

    async def seal(
        self,
        conn: Conn,
        facts: Sequence[Fact],
        *,
        like: Mapping[Identity, Seal] | None = None,
        at_hand: AtHand | None = None,
    ) -> list[Fact]:
        return list(facts)

    async def accept(self, conn: Conn, facts: Sequence[Fact]) -> list[Fact | InvalidFact]:
        return list(facts)

    async def open(
        self,
        conn: Conn,
        facts: Sequence[Fact],
        *,
        at_hand: AtHand | None = None,
        reading: ReadSoFar | None = None,
        hidden: bool = False,
    ) -> list[Fact]:
        return list(facts)

    async def embody(
        self,
        conn: Conn,
        journeys: Mapping[JourneyKey, Journey],
        *,
        reading: ReadSoFar | None = None,
        hidden: bool = False,
    ) -> None:
        pass

    async def erase(self, conn: Conn, cuts: Mapping[JourneyKey, Micros]) -> None:
        pass


def measure() -> Iterator[tuple[str, str, str]]:
    with home() as at, database(at) as url:
        yield from asyncio.run(_measured(url, file_vault(at / "master.key")))


async def _measured(url: str, sealing: Vault) -> list[tuple[str, str, str]]:
    async with await connect(url, name="bench") as conn:
        open_vault(sealing)
        await _apply(conn, campaign())
        spent, bytes_of, facts = {"s": 0.0, "c": 0.0}, {"s": 0, "c": 0}, {"s": 0, "c": 0}
        for nth in range(ROUNDS):
            # Who goes first has the colder table: they take turns.
            for way in ("s", "c") if nth % 2 else ("c", "s"):
                open_vault(sealing if way == "s" else Clear(sealing.keys._master))
                events = list(journeys(BATCH, prefix=f"{way}{nth}-"))
                before, began = await _bytes(conn), await _processor(conn)
                await _apply(conn, events)
                spent[way] += await _processor(conn) - began
                bytes_of[way] += await _bytes(conn) - before
                facts[way] += len(events)
        open_vault(sealing)
        await conn.execute("UPDATE messages SET status = 'sent', sent_at = now()")
        await conn.execute("ANALYZE")
        people = [f"s{nth}-{n}" for nth in range(ROUNDS) for n in range(BATCH // 6 + 1)]
        erased, began = [_erased(who) for who in people], time.perf_counter()
        used = await _processor(conn)
        for start in range(0, len(erased), BATCH):
            await _apply(conn, erased[start : start + BATCH])
        took, used = time.perf_counter() - began, await _processor(conn) - used
    rate = {way: facts[way] / spent[way] for way in spent}
    return [
        ("facts a second of processor, sealed", f"{rate['s']:,.0f}", ""),
        ("  in the clear", f"{rate['c']:,.0f}", ""),
        ("  sealed ÷ clear", f"{rate['s'] / rate['c']:.2f}", "0.90"),
        ("bytes of database a fact, sealed", f"{bytes_of['s'] / facts['s']:,.0f}", ""),
        ("  in the clear", f"{bytes_of['c'] / facts['c']:,.0f}", ""),
        ("persons erased a minute", f"{len(people) / took * 60:,.0f}", "100,000"),
        ("  a minute of processor", f"{len(people) / used * 60:,.0f}", ""),
    ]


def _erased(who: str) -> dict[str, Any]:
    return event("candidate.erased", id=f"{who}-e", candidate=who, time="2026-11-01T09:00:00+08:00")


async def _apply(conn: Conn, events: Sequence[dict[str, Any]]) -> None:
    key = f"{CAMPAIGN}/".encode()
    batch = [Incoming("yinfeng.facts", 0, n, key, json.dumps(e).encode(), ()) for n, e in enumerate(events)]
    await apply_batch(conn, batch, now=datetime.now(UTC))


async def _processor(conn: Conn) -> float:
    """Seconds that this process and its server's have taken."""
    row = await (await conn.execute("SELECT pg_backend_pid()")).fetchone()
    assert row is not None
    theirs = psutil.Process(row[0]).cpu_times()
    return time.process_time() + theirs.user + theirs.system


async def _bytes(conn: Conn) -> int:
    row = await (await conn.execute("SELECT pg_database_size(current_database())")).fetchone()
    return int(row[0]) if row else 0
