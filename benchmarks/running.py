"""A whole platform for a measurement: `yinfeng up` on a fresh home, as a user runs it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from storage.setup import migrate
from storage.vault.master import make_master
from storage.vault.persons import file_vault
from storage.vault.process import open_vault
from yinfeng.children import running
from yinfeng.embedded.postgres import EmbeddedPostgres
from yinfeng.home import web_port
from yinfeng.status_file import PlatformState, read_state, with_memory

PATIENCE = 300.0
YINFENG = (sys.executable, "-m", "yinfeng")


@dataclass(frozen=True, slots=True)
class Running:
    """A platform that is ready."""

    home: Path
    state: PlatformState

    @property
    def address(self) -> str:
        return self.state.address

    @property
    def kafka(self) -> str:
        assert self.state.kafka
        return self.state.kafka

    @property
    def key(self) -> str:
        return (self.home / "organizer.key").read_text().strip()

    def scalar(self, query: str) -> Any:
        with psycopg.connect(self.state.database_url or "") as connection:
            row = connection.execute(query).fetchone()
            assert row
            return row[0]

    def memory(self) -> float:
        """Resident MB of all parts together, now."""
        state = read_state(self.home)
        assert state
        return with_memory(state).total_memory / 2**20


def settings(at: Path, database_url: str, kafka: str, **more: str) -> dict[str, str]:
    """The environment of a process that shall use these servers, without settings from elsewhere."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("YINFENG_")}
    return {**kept, "YINFENG_HOME": str(at), "YINFENG_DATABASE_URL": database_url, "YINFENG_KAFKA": kafka, **more}


def end_in_order() -> None:
    """Let SIGTERM unwind as Ctrl-C does, so that no server is left behind."""
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))


@contextmanager
def home() -> Iterator[Path]:
    """A folder of its own, removed afterwards; with its master key, for what is measured in this process too."""
    with tempfile.TemporaryDirectory(prefix="yinfeng-bench-") as folder:
        yield home_at(Path(folder) / "home")


def home_at(at: Path) -> Path:
    """A home in this folder, or the one that is there, with its master key for this process."""
    if not (at / "master.key").exists():
        make_master(at / "master.key")
    open_vault(file_vault(at / "master.key"))
    return at


@contextmanager
def database(at: Path) -> Iterator[str]:
    """The URL of a database with its tables, on a PostgreSQL of this home, until the block ends."""
    at.mkdir(exist_ok=True)
    server = EmbeddedPostgres(at, lambda text: None)
    with running(server.spec(), at / "logs"):
        migrate(server.url)
        yield server.url


@contextmanager
def platform(at: Path) -> Iterator[Running]:
    """`yinfeng up` on this home, until the block ends."""
    env = {**os.environ, "YINFENG_HOME": str(at), "YINFENG_DATABASE_URL": "", "YINFENG_KAFKA": ""}
    command = [sys.executable, "-m", "yinfeng", "up", "--port", str(web_port("127.0.0.1", 0))]
    process = subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL)
    try:
        yield Running(at, _until_ready(at, process))
    finally:
        process.terminate()
        process.wait()


def _until_ready(at: Path, process: subprocess.Popen[bytes]) -> PlatformState:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and process.poll() is None:
        state = read_state(at)
        if state and state.start_seconds is not None:
            return state
        time.sleep(0.05)
    raise SystemExit("The platform did not start; run `yinfeng up` to see why")
