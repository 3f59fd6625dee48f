"""Our contestant: `yinfeng worker` of this checkout on a fresh PostgreSQL, driven by its command and settings alone."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import psycopg

from benchmarks.peers.contest import Course, Finish, Started, program
from benchmarks.running import YINFENG, settings
from yinfeng.children import running
from yinfeng.embedded.postgres import EmbeddedPostgres

_CAMPAIGN_FACTS: Final = 4  # that the load begins with: they are no candidate's


@contextmanager
def yinfeng(course: Course, folder: Path) -> Iterator[Started]:
    """A worker and its database; the clock begins when its partitions are assigned."""
    server = EmbeddedPostgres(folder, lambda text: None)
    with running(server.spec(), folder / "logs") as postgres:
        env = settings(folder / "home", server.url, course.kafka, YINFENG_READY_FILE=str(folder / "ready"))
        subprocess.run([*YINFENG, "prepare"], env=env, check=True, capture_output=True)
        with (
            program([*YINFENG, "worker"], env, folder) as worker,
            psycopg.connect(server.url, autocommit=True) as look,
        ):
            ready = folder / "ready"
            yield Started(
                [worker.pid, postgres.pid or 0],
                lambda: _finish(look, ready, course) if ready.exists() else None,
                lambda: worker.poll() is None,
                lambda: _audit(env),
            )


def _finish(look: psycopg.Connection, ready: Path, course: Course) -> Finish | None:
    """The numbers are looked at alone, until they are right: counting the facts takes long, and comes last."""
    numbers = {str(name): int(number) for name, number in look.execute("SELECT target, progress FROM targets")}
    late = time.time() > ready.stat().st_mtime + course.seconds
    if numbers != course.expected.numbers and not late:
        return None
    row = look.execute("SELECT count(*) FROM facts").fetchone()
    facts = (row[0] if row else 0) - _CAMPAIGN_FACTS
    if facts != course.expected.facts and not late:
        return None
    return Finish(ready.stat().st_mtime, time.time(), facts, numbers)


def _audit(env: Mapping[str, str]) -> str | None:
    done = subprocess.run([*YINFENG, "audit"], env=env, check=False, capture_output=True, text=True)
    return None if done.returncode == 0 else f"audit: {done.stdout.strip()[-300:]}"
