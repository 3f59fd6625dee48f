"""Who takes part, and how each is started."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.peers.contest import Course, Start, Started, program, read_finish
from benchmarks.peers.installing import PROGRAMS, python_of, streams_classpath, version_of
from benchmarks.peers.ours import yinfeng
from yinfeng.children import running
from yinfeng.embedded.postgres import DATABASE, EmbeddedPostgres

HEAP: Final = "-Xmx1g"


@dataclass(frozen=True, slots=True)
class Contestant:
    """`install` gives what starts it, and may raise CannotInstall."""

    name: str
    title: str
    at_end: str
    install: Callable[[], Start]
    ours: bool = False


def _python(peer: str, script: str) -> Callable[[], Start]:
    """A Python program with the packages of `peer`."""

    def install() -> Start:
        python = python_of(peer)

        @contextmanager
        def start(course: Course, folder: Path) -> Iterator[Started]:
            words = [str(python), str(PROGRAMS / script)]
            with program(words, _environment(course, folder), folder) as process:
                yield Started([process.pid], lambda: read_finish(folder), lambda: process.poll() is None)

        return start

    return install


def _python_with_postgres(peer: str, script: str) -> Callable[[], Start]:
    """The same with a PostgreSQL of its own beside it, set as ours is."""

    def install() -> Start:
        python = python_of(peer)

        @contextmanager
        def start(course: Course, folder: Path) -> Iterator[Started]:
            server = EmbeddedPostgres(folder, lambda text: None)
            with running(server.spec(), folder / "logs") as postgres:
                where = {"PEER_PG_HOST": str(server.sockets), "PEER_PG_PORT": "5432", "PEER_PG_DATABASE": DATABASE}
                env = {**_environment(course, folder), **where}
                with program([str(python), str(PROGRAMS / script)], env, folder) as process:
                    roots = [process.pid, postgres.pid or 0]
                    yield Started(roots, lambda: read_finish(folder), lambda: process.poll() is None)

        return start

    return install


def _streams(guarantee: str) -> Callable[[], Start]:
    """Kafka Streams with this processing guarantee."""

    def install() -> Start:
        classpath = streams_classpath()

        @contextmanager
        def start(course: Course, folder: Path) -> Iterator[Started]:
            env = {**_environment(course, folder), "PEER_GUARANTEE": guarantee}
            quiet = "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"
            with program(["java", HEAP, quiet, "-cp", classpath, "peers.Drain"], env, folder) as process:
                yield Started([process.pid], lambda: read_finish(folder), lambda: process.poll() is None)

        return start

    return install


def _environment(course: Course, folder: Path) -> Mapping[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "JAVA_HOME") if name in os.environ}
    return {
        **kept,
        "PEER_KAFKA": course.kafka,
        "PEER_TOPIC": course.topic,
        "PEER_GROUP": f"peer-{folder.name}",
        "PEER_FOLDER": str(folder),
        "PEER_EXPECTED": course.expected.as_json(),
        "PEER_SECONDS": str(course.seconds),
    }


_CHANGELOG: Final = "dedupe, journeys and targets in RocksDB, and in changelog topics"

_OURS: Final = (
    "in PostgreSQL, by SQL, HTTP and pages: every fact, journeys, targets, targets by day, milestones, messages"
    " asked for; committed with the position, exactly once"
)

CONTESTANTS: Final = (
    Contestant("yinfeng", "Yinfeng, one worker", _OURS, lambda: yinfeng(workers=1), ours=True),
    Contestant("yinfeng-two", "Yinfeng, two workers", _OURS, lambda: yinfeng(workers=2), ours=True),
    Contestant(
        "kafka-streams-eos",
        "Kafka Streams 4.1, exactly-once-v2",
        f"{_CHANGELOG}; queried by key from the same process, no SQL",
        _streams("exactly_once_v2"),
    ),
    Contestant(
        "kafka-streams-alos",
        "Kafka Streams 4.1, at-least-once",
        f"{_CHANGELOG}; queried by key from the same process, no SQL; a crash may count again",
        _streams("at_least_once"),
    ),
    Contestant(
        "quix-postgres",
        f"Quix Streams {version_of('quix', 'quixstreams')}, PostgreSQL sink",
        "a row of PostgreSQL for each journey, the targets a view; dedupe in RocksDB and a changelog topic; no facts,"
        " no messages; at least once",
        _python_with_postgres("quix", "quix_postgres.py"),
    ),
    Contestant(
        "quix-state",
        f"Quix Streams {version_of('quix', 'quixstreams')}, state",
        f"{_CHANGELOG}; no query from outside; at least once",
        _python("quix", "quix_state.py"),
    ),
    Contestant(
        "bytewax",
        f"Bytewax {version_of('bytewax', 'bytewax')}",
        "snapshots of journeys and targets in SQLite every 10 s, pickled; no query from outside; at least once",
        _python("bytewax", "bytewax_flow.py"),
    ),
    Contestant(
        "faust",
        f"Faust {version_of('faust', 'faust-streaming')}, tables",
        f"{_CHANGELOG}; queried by key from the same process, no SQL; at least once",
        _python("faust", "faust_tables.py"),
    ),
)
