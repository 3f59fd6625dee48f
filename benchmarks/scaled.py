"""Some workers on one topic and one database: loaded, drained, looked at, audited."""

from __future__ import annotations

import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from itertools import islice
from pathlib import Path
from typing import Any, Final

import psycopg

from benchmarks.facts import STEPS, campaign, journeys
from benchmarks.metering import Tree
from benchmarks.peers.load import record
from benchmarks.running import YINFENG, settings
from benchmarks.scale_report import Outcome
from producers.kafka import KafkaRecord, Producer
from schemas.errors import BrokerUnavailable
from schemas.topics import FACTS, FACTS_GROUP, TOPICS
from tests.kafka.apache_kafka import ApacheKafka
from yinfeng.children import running
from yinfeng.embedded.postgres import EmbeddedPostgres
from yinfeng.kafka_admin import kafka_admin

PORTION: Final = 5000
PATIENCE: Final = 600.0  # seconds
BEATS_AFTER: Final = 12.0  # seconds: workers tell of themselves every five
END_WITHIN: Final = 15.0  # seconds
_EVERYBODY: Final = {"signups": True, "graduates": True, "doctors": False}  # who counts for which target
_CONNECTIONS: Final = "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'"

_RUNNING: Final = """
SELECT wait_event_type IS NOT DISTINCT FROM 'Lock' FROM pg_stat_activity
WHERE state = 'active' AND pid <> pg_backend_pid() AND backend_type = 'client backend'
"""


def run(broker: ApacheKafka, workers: int, campaigns: int, facts: int) -> Outcome:
    """The workers share the partitions before the first fact is posted; time runs from then until all are applied."""
    posted = [record(event) for event in spread(facts, campaigns)]
    with tempfile.TemporaryDirectory(prefix="yinfeng-scale-") as folder:
        at = Path(folder)
        at.chmod(0o755)  # PostgreSQL runs as another user when root starts it
        server = EmbeddedPostgres(at, lambda text: None)
        with (
            running(server.spec(), at / "logs") as postgres,
            _workers(workers, server.url, broker, at) as pids,
            psycopg.connect(server.url, autocommit=True) as look,
        ):
            partitions = _until_shared(broker.address, workers)
            before = _extent(look)
            trees = (Tree(lambda: pids), Tree(lambda: [postgres.pid or 0]))
            used, began = [tree.look() for tree in trees], time.perf_counter()
            _post(broker.address, posted)
            locked = _until_applied(look, len(posted), sum(expected(facts, campaigns).values()))
            rate = len(posted) / (time.perf_counter() - began)
            worker, postgres_took = (tree.look() - of for tree, of in zip(trees, used, strict=True))
            after = _extent(look)
            beats = _beats(look, len(posted))
            return Outcome(
                workers=workers,
                campaigns=campaigns,
                rate=rate,
                partitions=partitions,
                facts=tuple(sorted(number for number, _ in beats)),
                conflicts=sum(conflicts for _, conflicts in beats),
                locked=locked,
                exact=_exact(look, facts, campaigns),
                drift=_audit(server.url, at) != 0,
                worker=worker * 1e6 / len(posted),
                postgres=postgres_took * 1e6 / len(posted),
                stored=(after[0] - before[0]) / len(posted),
                logged=(after[1] - before[1]) / len(posted),
                carried=sum(len(each.key) + len(each.value) for each in posted) / len(posted),
                connections=round((_count(look, _CONNECTIONS) - 1) / workers),
            )


def spread(facts: int, campaigns: int) -> Iterator[dict[str, Any]]:
    """At least so many facts of journeys, over so many campaigns; candidates in turn."""
    names = [f"hot-{number}" for number in range(campaigns)]
    for name in names:
        yield from _of(name, campaign())
    for fact in journeys(facts, prefix="s"):
        number = int(fact["data"]["candidate"][1:])
        yield from _of(names[number % campaigns], [fact])


def expected(facts: int, campaigns: int) -> dict[tuple[str, str], int]:
    """What each target of each campaign must come to."""
    people = facts // STEPS + 1
    counted = {f"hot-{number}": len(range(number, people, campaigns)) for number in range(campaigns)}
    return {(name, t): count if all_of else 0 for name, count in counted.items() for t, all_of in _EVERYBODY.items()}


def _of(name: str, events: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for event in events:
        event["data"]["campaign"] = name
        yield event


@contextmanager
def _workers(count: int, url: str, broker: ApacheKafka, at: Path) -> Iterator[list[int]]:
    """So many workers, each with its partitions."""
    with ExitStack() as stack:
        env = settings(at / "home", url, broker.address)
        subprocess.run([*YINFENG, "prepare"], env=env, check=True, capture_output=True)
        started = [stack.enter_context(_worker(url, broker.address, at, number)) for number in range(count)]
        yield [process.pid for process in started]


@contextmanager
def _worker(url: str, kafka: str, at: Path, number: int) -> Iterator[subprocess.Popen[bytes]]:
    home, key = at / f"worker-{number}", at / "home" / "master.key"  # the one that `prepare` made
    env = settings(home, url, kafka, YINFENG_MASTER_KEY_FILE=str(key))
    with (at / f"worker-{number}.log").open("wb") as log:
        process = subprocess.Popen([*YINFENG, "worker"], env=env, stdout=log, stderr=subprocess.STDOUT)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(END_WITHIN)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _until_shared(kafka: str, workers: int) -> tuple[int, ...]:
    """How many partitions each worker has, once each has some and none is without a worker."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        with suppress(BrokerUnavailable):  # a group has no coordinator at first
            had = _shares(kafka)
            if len(had) == workers and sum(had) == TOPICS[FACTS][0]:
                return had
        time.sleep(0.2)
    raise SystemExit(f"{workers} workers did not come to share the partitions")


def _shares(kafka: str) -> tuple[int, ...]:
    with kafka_admin(kafka) as admin:
        members = admin.describe_groups([FACTS_GROUP])[FACTS_GROUP]["members"]
    had = [
        len(topic["partitions"])
        for member in members
        for topic in (member["member_assignment"] or {}).get("assigned_partitions", [])
        if topic["topic"] == FACTS
    ]
    return tuple(sorted(had))


def _post(kafka: str, records: Sequence[KafkaRecord]) -> None:
    producer, waiting = Producer(kafka, name="scale-out"), iter(records)
    while portion := list(islice(waiting, PORTION)):
        if failed := [where.error for where in producer.deliver(FACTS, portion) if where.error]:
            raise SystemExit(f"Kafka did not take {len(failed)} facts: {failed[0]}")
    producer.close()


def _until_applied(look: psycopg.Connection, facts: int, counted: int) -> float:
    """Until the targets come to so many, and all facts are there: these are counted last, since that takes long. Of
    the statements that ran meanwhile, looked at every 50 ms, the share that waited for another's lock."""
    deadline, seen = time.monotonic() + PATIENCE, Counter[bool]()
    while (
        _count(look, "SELECT coalesce(sum(progress), 0) FROM targets") != counted
        or _count(look, "SELECT count(*) FROM facts") < facts
    ):
        if time.monotonic() > deadline:
            raise SystemExit("the facts were not applied in time")
        seen.update(waits for (waits,) in look.execute(_RUNNING))
        time.sleep(0.05)
    return seen[True] / max(1, seen.total())


def _beats(look: psycopg.Connection, facts: int) -> list[tuple[int, int]]:
    """Facts and conflicts of each worker, once they have told of all facts."""
    deadline = time.monotonic() + BEATS_AFTER
    while True:
        rows = look.execute("SELECT facts, conflicts FROM beats").fetchall()
        if sum(row[0] for row in rows) >= facts or time.monotonic() > deadline:
            return [(int(row[0]), int(row[1])) for row in rows]
        time.sleep(0.2)


def _exact(look: psycopg.Connection, facts: int, campaigns: int) -> bool:
    rows = look.execute("SELECT campaign, target, progress FROM targets").fetchall()
    return {(row[0], row[1]): int(row[2]) for row in rows} == expected(facts, campaigns)


def _extent(look: psycopg.Connection) -> tuple[int, int]:
    """Bytes of the database, and of all write-ahead log so far."""
    size = _count(look, "SELECT pg_database_size(current_database())")
    return size, _count(look, "SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint")


def _count(look: psycopg.Connection, query: Any) -> int:
    row = look.execute(query).fetchone()
    return int(row[0]) if row else 0


def _audit(url: str, at: Path) -> int:
    env = settings(at / "home", url, "127.0.0.1:1")
    return subprocess.run([*YINFENG, "audit"], env=env, check=False, capture_output=True).returncode
