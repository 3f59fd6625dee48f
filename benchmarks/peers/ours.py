"""Our contestants: workers of this checkout on a fresh PostgreSQL, driven by their command and settings alone."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psycopg

from benchmarks.peers.contest import Course, Finish, Start, Started, program
from benchmarks.running import YINFENG, settings
from yinfeng.children import running
from yinfeng.embedded.postgres import EmbeddedPostgres

READY: Final = "ready"
_CAMPAIGN_FACTS: Final = 4  # that the load begins with: they are no candidate's


@dataclass(slots=True)
class Beginning:
    """When the first of some workers had its partitions. Each marks the moment again whenever the group shares them
    out anew, as it does for one that joins later: what was seen first stays. `marks` are the workers' ready files."""

    marks: Sequence[Path]
    at: float | None = None

    def look(self) -> float | None:
        """Seconds (epoch); None as long as none has any."""
        if self.at is None:
            self.at = min((mark.stat().st_mtime for mark in self.marks if mark.exists()), default=None)
        return self.at


def yinfeng(*, workers: int) -> Start:
    """So many workers of one group on one home, and their database. The clock begins when the first of them has its
    partitions: it takes facts before another has joined."""

    @contextmanager
    def start(course: Course, folder: Path) -> Iterator[Started]:
        server = EmbeddedPostgres(folder, lambda text: None)
        with running(server.spec(), folder / "logs") as postgres, ExitStack() as stack:
            env = settings(folder / "home", server.url, course.kafka)
            subprocess.run([*YINFENG, "prepare"], env=env, check=True, capture_output=True)
            places = [folder / f"worker-{number}" for number in range(workers)]
            started = [stack.enter_context(_worker(env, place)) for place in places]
            look = stack.enter_context(psycopg.connect(server.url, autocommit=True))
            beginning = Beginning([place / READY for place in places])
            yield Started(
                [*(worker.pid for worker in started), postgres.pid or 0],
                lambda: _finish(look, began, course) if (began := beginning.look()) else None,
                lambda: all(worker.poll() is None for worker in started),
                lambda: _audit(env),
            )

    return start


def _worker(env: Mapping[str, str], place: Path) -> AbstractContextManager[subprocess.Popen[bytes]]:
    """One that marks in its own place what else would be in the home."""
    place.mkdir()
    own = {"YINFENG_READY_FILE": str(place / READY), "YINFENG_PULSE_FILE": str(place / "pulse")}
    return program([*YINFENG, "worker"], {**env, **own}, place)


def _finish(look: psycopg.Connection, began: float, course: Course) -> Finish | None:
    """The numbers are looked at alone, until they are right: counting the facts takes long, and comes last."""
    numbers = {str(name): int(number) for name, number in look.execute("SELECT target, progress FROM targets")}
    late = time.time() > began + course.seconds
    if numbers != course.expected.numbers and not late:
        return None
    row = look.execute("SELECT count(*) FROM facts").fetchone()
    facts = (row[0] if row else 0) - _CAMPAIGN_FACTS
    if facts != course.expected.facts and not late:
        return None
    return Finish(began, time.time(), facts, numbers)


def _audit(env: Mapping[str, str]) -> str | None:
    done = subprocess.run([*YINFENG, "audit"], env=env, check=False, capture_output=True, text=True)
    return None if done.returncode == 0 else f"audit: {done.stdout.strip()[-300:]}"
