"""What applying a fact costs: processor of the worker and of PostgreSQL, bytes of database.

The worker's own way from records to the commit, without a broker: on a machine that others use too, processor time can
still be compared, a rate can't.
"""

from __future__ import annotations

import asyncio
import json
import time
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any, Final

import psycopg
from aiokafka.structs import ConsumerRecord

from benchmarks.facts import STEPS, campaign, journeys
from benchmarks.metering import Tree
from benchmarks.running import home
from schemas.facts import Fact, fact_key, validate_event
from schemas.topics import FACTS, SEQ_HEADER, TOPICS
from storage.database import connect, connect_sync
from storage.ledger import positions
from storage.ledger.outbox import Outbox
from storage.ledger.positions import Log
from storage.setup import migrate
from storage.vault.accepting import accept
from streams.applier import Applier
from streams.audit import audit
from streams.flow import Flow
from streams.persisting import Persistence
from yinfeng.children import running
from yinfeng.embedded.postgres import EmbeddedPostgres
from yinfeng.garbage import collect_seldom

COUNT: Final = 60_000
BATCH: Final = 2000
PARTITIONS: Final = TOPICS[FACTS][0]
LOG: Final = Log("bench", FACTS, "bench")
Rows = Iterator[tuple[str, str, str]]


@dataclass(slots=True)
class Cost:
    """Processor seconds of the worker and of PostgreSQL for so many facts."""

    facts: int = 0
    batches: int = 0
    worker: float = 0.0
    postgres: float = 0.0

    @property
    def both(self) -> float:
        return self.worker + self.postgres

    def of(self, seconds: float) -> float:
        """Microseconds a fact."""
        return seconds * 1e6 / self.facts


class Bench:
    """A worker without a broker, on one connection. Records get the offsets that follow."""

    def __init__(self, url: str, postmaster: int) -> None:
        self.url = url
        self.persistence = Persistence(url, name="worker", jitter=lambda: 1.0)
        self.offsets = dict.fromkeys(range(PARTITIONS), 0)
        self._applier = Applier(self.persistence, clock=lambda: datetime.now(UTC))
        self._flow = Flow(limit=10**9, chunk_size=BATCH)
        self._tree = Tree(lambda: [postmaster])

    def records(self, said: Iterable[tuple[str, bytes, int | None]]) -> dict[int, list[Any]]:
        """(key, value, number in the ledger) of each, as records by partition."""
        found: dict[int, list[Any]] = {}
        for key, value, seq in said:
            partition = zlib.crc32(key.encode()) % PARTITIONS
            found.setdefault(partition, []).append(_record(partition, self.offsets[partition], key, value, seq))
            self.offsets[partition] += 1
        return found

    async def apply(self, records: dict[int, list[Any]], cost: Cost) -> None:
        """Apply them as one batch."""
        postgres, began = self._tree.look(), time.process_time()
        applied = await self._applier.apply(LOG, list(self._flow.cut(records)))
        cost.worker += time.process_time() - began
        cost.postgres += self._tree.look() - postgres
        cost.facts += applied.facts
        cost.batches += 1

    async def begin(self) -> None:
        """Place the partitions, where they stand if this database was worked on before, and open the campaign."""
        async with await connect(self.url, name="bench") as conn:
            await positions.begin(conn, LOG, self.offsets)
            self.offsets = await positions.read(conn, LOG, self.offsets)
        self._flow.place(LOG, self.offsets)
        await self.apply(self.records(straight(campaign())), Cost())

    async def over_kafka(self, facts: Iterable[dict[str, Any]], cost: Cost) -> None:
        """Apply facts that came straight over Kafka."""
        waiting = iter(facts)
        while portion := list(islice(waiting, BATCH)):
            await self.apply(self.records(straight(portion)), cost)

    async def over_http(self, facts: Iterable[dict[str, Any]], cost: Cost) -> None:
        """Apply facts that stand in the ledger already, as the relay publishes them. Taking them in is not counted."""
        waiting = iter(facts)
        with connect_sync(self.url, name="bench") as relay:
            outbox = Outbox(relay)
            while portion := [validate_event(each) for each in islice(waiting, BATCH)]:
                await self._accept(portion)
                found = outbox.next(rows=BATCH, size=1 << 30)
                said = [(each.key, each.event.encode(), each.seq) for each in found]
                await self.apply(self.records(said), cost)

    async def _accept(self, facts: Sequence[Fact]) -> None:
        async with await connect(self.url, name="bench") as conn:
            await accept(conn, facts, posted_by=None)


def straight(events: Iterable[dict[str, Any]]) -> Iterator[tuple[str, bytes, None]]:
    """Events as clients of Kafka write them."""
    for event in events:
        key = fact_key(event["data"]["campaign"], event["data"].get("candidate"))
        yield key, json.dumps(event, ensure_ascii=False).encode(), None


@contextmanager
def bench(at: Path) -> Iterator[Bench]:
    """A bench on the database of this home."""
    at.mkdir(exist_ok=True)
    at.chmod(0o755)  # PostgreSQL runs as another user when root starts it
    server = EmbeddedPostgres(at, lambda text: None)
    with running(server.spec(), at / "logs") as postgres:
        migrate(server.url)
        yield Bench(server.url, postgres.pid or 0)


def measure() -> Rows:
    collect_seldom()
    with home() as place, bench(place) as at:
        yield from asyncio.run(_measure(at))


async def _measure(at: Bench) -> list[tuple[str, str, str]]:
    await at.begin()
    await at.over_kafka(journeys(6_000, prefix="w"), Cost())
    rows = []
    for way, apply, prefix in (("over Kafka", at.over_kafka, "k"), ("over HTTP", at.over_http, "h")):
        cost = Cost()
        await apply(journeys(COUNT - STEPS, prefix=prefix), cost)
        rows += [
            (f"processor of a fact {way}: worker", f"{cost.of(cost.worker):.0f} µs", ""),
            ("  PostgreSQL", f"{cost.of(cost.postgres):.0f} µs", ""),
            ("  both", f"{cost.of(cost.both):.0f} µs", "80 µs"),
        ]
    rows += [("drift", str(await drift(at)), "0"), *sizes(at.url)]
    await at.persistence.close()
    return rows


async def drift(at: Bench) -> int:
    async with await connect(at.url, name="counter") as conn:
        return (await audit(conn)).drift


def sizes(url: str) -> Rows:
    """Bytes a fact of each table and index that has some."""
    with psycopg.connect(url) as look:
        row = look.execute("SELECT count(*) FROM facts").fetchone()
        count = row[0] if row else 1
        sizes = look.execute(_SIZES).fetchall()
    yield "bytes of database a fact", f"{sum(size for _, size in sizes) / count:.0f}", "900"
    for name, size in sizes:
        if size / count >= 1:
            yield f"  {name}", f"{size / count:.0f}", ""


_SIZES: Final = """
SELECT c.relname, pg_relation_size(c.oid) + CASE WHEN c.relkind = 'r' THEN
    coalesce(pg_total_relation_size(nullif(c.reltoastrelid, 0)), 0) ELSE 0 END AS size
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname IN ('public', 'vault') AND c.relkind IN ('r', 'i') ORDER BY size DESC
"""


def _record(partition: int, offset: int, key: str, value: bytes, seq: int | None) -> ConsumerRecord[Any, Any]:
    headers = ((SEQ_HEADER, str(seq).encode()),) if seq is not None else ()
    return ConsumerRecord(
        topic=FACTS,
        partition=partition,
        offset=offset,
        timestamp=0,
        timestamp_type=0,
        key=key.encode(),
        value=value,
        checksum=None,
        serialized_key_size=len(key),
        serialized_value_size=len(value),
        headers=headers,
    )
