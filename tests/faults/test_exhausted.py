"""What a platform runs on is used up: Postgres' connections, its disk, a process's file descriptors."""

from __future__ import annotations

import os
import resource
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import httpx
import psutil
import psycopg
import pytest

from tests.facts import hired
from tests.faults.frame import Expected, Outcome, Stage, run
from tests.faults.matrix import stage
from tests.platform import until

CACHE = Path(__file__).parents[2] / ".cache" / "kafka"
STRAIGHT = Expected(("kafka",))
END_OURS = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'yinfeng-%'"
DISK = 500  # MB: `up` wants 200 of them free


@pytest.fixture(scope="module")
def on(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with stage(tmp_path_factory.mktemp("exhausted"), "embedded", CACHE) as made:
        yield made


@pytest.fixture
def on_small_disk(tmp_path: Path) -> Iterator[Stage]:
    """A platform whose home has a small file system of its own."""
    home = tmp_path / "home"
    home.mkdir()
    try:
        words = ["mount", "-t", "tmpfs", "-o", f"size={DISK}m,mode=755", "tmpfs", str(home)]
        mounted = subprocess.run(words, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("there is no `mount` here")
    if mounted.returncode:
        pytest.skip(f"no file system can be mounted here: {mounted.stderr.strip()}")
    try:
        with stage(tmp_path, "embedded", CACHE) as made:
            yield made
    finally:
        subprocess.run(["umount", "--lazy", str(home)], check=True)


def post(on: Stage, name: str) -> httpx.Response:
    headers = {"Authorization": f"Bearer {on.key}", "Content-Type": "application/cloudevents+json"}
    return httpx.post(f"{on.url}/v1/events", json=hired(name, id=name), headers=headers, timeout=15)


def refused(on: Stage, name: str) -> bool:
    answer = post(on, name)
    return answer.status_code == 503 and answer.headers["Retry-After"] == "5"


def whole(outcome: Outcome) -> bool:
    assert outcome.faults() == []
    return True


@pytest.mark.slow
@pytest.mark.timeout(200)
def test_no_connection_to_postgres_is_left(on: Stage):
    def inject() -> None:
        url = on.platform.state().database_url or ""
        with ExitStack() as taken:
            first = taken.enter_context(psycopg.connect(url, autocommit=True))

            def is_told() -> bool:
                _take_all(taken, url)
                first.execute(END_OURS)
                _take_all(taken, url)
                return refused(on, f"no-connection-{time.monotonic_ns()}")

            until(is_told, 60)

    assert whole(run(on, "connections", inject, STRAIGHT))


def _take_all(taken: ExitStack, url: str) -> None:
    for _ in range(3):
        with suppress(psycopg.OperationalError):
            while True:
                taken.enter_context(psycopg.connect(url, connect_timeout=3))
        time.sleep(0.1)


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_postgres_own_disk_is_full(on_small_disk: Stage):
    on = on_small_disk
    supervisor = on.platform.process.pid

    def inject() -> None:
        with _filled(on.platform.home):
            url = on.platform.state().database_url or ""

            def is_told() -> bool:
                with suppress(psycopg.Error), psycopg.connect(url, autocommit=True, connect_timeout=3) as connection:
                    connection.execute("SELECT pg_switch_wal()")  # the log wants another file, and gets none
                return refused(on, f"full-{time.monotonic_ns()}")

            until(is_told, 60)
            time.sleep(2)

    assert whole(run(on, "disk", inject, Expected(victims=("postgres", "web", "worker", "relay"))))
    assert (on.platform.process.pid, on.platform.process.poll()) == (supervisor, None)


@contextmanager
def _filled(folder: Path) -> Iterator[None]:
    ballast = folder / "ballast"
    try:
        with ballast.open("wb") as file, suppress(OSError):
            while True:
                os.write(file.fileno(), bytes(1024 * 1024))
        with ballast.open("ab") as file, suppress(OSError):
            while True:
                os.write(file.fileno(), bytes(4096))
        yield
    finally:
        ballast.unlink()


@pytest.mark.slow
@pytest.mark.timeout(200)
@pytest.mark.parametrize("part", ["web", "worker"])
def test_no_file_descriptor_is_left(on: Stage, part: str):
    process = psutil.Process(on.platform.child(part).pid or 0)
    soft, hard = resource.prlimit(process.pid, resource.RLIMIT_NOFILE)
    log = on.platform.home / "logs" / f"{part}.log"
    said_before = log.read_text().count("Too many open files")

    def inject() -> None:
        # What is open stays; nothing else can be opened, and what was lost can't be replaced.
        resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (1, hard))
        _end_connections(on, part)
        time.sleep(4)
        with suppress(ProcessLookupError):
            resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (soft, hard))

    assert whole(run(on, f"descriptors-{part}", inject, Expected(("kafka",), victims=(part,))))
    assert log.read_text().count("Too many open files") > said_before


def _end_connections(on: Stage, part: str) -> None:
    names = {"web": ("yinfeng-web",), "worker": ("yinfeng-worker", "yinfeng-sender")}[part]
    on.rows("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = ANY(%s)", list(names))
