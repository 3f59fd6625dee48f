"""`yinfeng targets [--watch]` as a person runs it: a real process against a real web app, piped and on a terminal."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from threading import Thread
from typing import IO, Any

import pytest

from storage.access import keys
from storage.database import Conn
from streams.apply import apply_batch
from tests.facts import event, hired, opened, target
from tests.integration.applying import incoming
from tests.platform import free_port, until
from tests.web import served

NOW = datetime(2026, 6, 1, tzinfo=UTC)


@pytest.fixture
async def key(conn: Conn) -> str:
    return await keys.create(conn, name="terminal", role="viewer")


async def apply(conn: Conn, *events: Any) -> None:
    await apply_batch(conn, incoming(*events), now=NOW)


class Terminal:
    """Somebody's shell: it knows a web app and a key, and nothing of a platform that may run here."""

    def __init__(self, home: Path, url: str, key: str) -> None:
        self._words = [sys.executable, "-m", "yinfeng", "targets", "--url", url]
        self._env = {**os.environ, "YINFENG_HOME": str(home), "YINFENG_KEY": key, "TERM": "xterm", "COLUMNS": "120"}
        self._out, self._err = home / "out", home / "err"

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([*self._words, *words], env=self._env, capture_output=True, text=True, check=False)

    @contextmanager
    def watching(self, out: int | IO[bytes] | None = None) -> Iterator[subprocess.Popen[bytes]]:
        """`targets --watch`, until it is interrupted as by Ctrl-C, which it must take well."""
        with self._out.open("wb") as to_out, self._err.open("wb") as to_err:
            process = subprocess.Popen([*self._words, "--watch"], env=self._env, stdout=out or to_out, stderr=to_err)
        try:
            yield process
            process.send_signal(signal.SIGINT)
            assert process.wait(30) == 0
            assert "Traceback" not in self._err.read_text()
        finally:
            process.kill()
            process.wait()

    def until_said(self, *texts: str) -> None:
        until(lambda: all(text in self._out.read_text() + self._err.read_text() for text in texts))

    def lines(self) -> list[str]:
        return self._out.read_text().splitlines()


async def test_each_target_is_a_line_where_no_person_looks(conn: Conn, database_url: str, key: str, tmp_path: Path):
    elsewhere = target("other", goal=5)
    elsewhere["data"]["campaign"] = "talents"
    await apply(conn, opened(), target("t", goal=4), hired("c1"), target("m", "paid", goal=31_500_000), elsewhere)
    with served(database_url) as url:
        terminal = Terminal(tmp_path, url, key)
        whole, one = terminal.run(), terminal.run("--campaign", "talents")
    assert sorted(whole.stdout.splitlines()) == [
        "grads-2026/m ¥0 of ¥31.5 million (0%), due 2026-12-31: m",
        "grads-2026/t 1 of 4 (25%), due 2026-12-31: t",
        "talents/other 0 of 5 (0%), due 2026-12-31: other",
    ]
    assert one.stdout.splitlines() == ["talents/other 0 of 5 (0%), due 2026-12-31: other"]
    assert (whole.returncode, one.returncode) == (0, 0)


@pytest.mark.parametrize("words", [[], ["--watch"]])
async def test_a_key_that_is_refused_ends_it_with_the_reason(database_url: str, tmp_path: Path, words: list[str]):
    with served(database_url) as url:
        ended = Terminal(tmp_path, url, "yf_a_b").run(*words)
    assert ended.returncode != 0
    assert "revoked" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_web_app_that_is_away_is_said_with_what_to_do(tmp_path: Path):
    ended = Terminal(tmp_path, f"http://127.0.0.1:{free_port()}", "yf_a_b").run()
    assert ended.returncode != 0
    assert "yinfeng up" in ended.stderr
    assert "Traceback" not in ended.stderr


async def test_watching_tells_changes_and_goes_on_after_an_outage(
    conn: Conn, database_url: str, key: str, tmp_path: Path
):
    port = free_port()
    terminal = Terminal(tmp_path, f"http://127.0.0.1:{port}", key)
    nobodys = {"employer": ["nobody"]}
    await apply(conn, opened(), target("same", where=nobodys), target("old", where=nobodys), target("t", goal=4))
    with terminal.watching():
        terminal.until_said("trying again")  # nobody is there yet
        with served(database_url, port=port):
            terminal.until_said("connected", "grads-2026/t 0 of 4", "grads-2026/old 0 of 100")
            await apply(conn, hired("c1"), event("target.withdrawn", target="old", time="2026-05-01T00:00:00Z"))
            terminal.until_said("grads-2026/t 1 of 4", "grads-2026/old withdrawn")
        await apply(conn, hired("c2"))
        with served(database_url, port=port):
            terminal.until_said("grads-2026/t 2 of 4")
    assert sum(line.startswith("grads-2026/same ") for line in terminal.lines()) == 1  # it went on where it was


async def test_on_a_terminal_it_is_a_table_that_changes(conn: Conn, database_url: str, key: str, tmp_path: Path):
    await apply(conn, opened(), target("t", goal=4))
    ours, its = pty.openpty()
    seen = bytearray()

    def read() -> None:
        with suppress(OSError):  # so a terminal says that the other end is gone
            while piece := os.read(ours, 4096):
                seen.extend(piece)

    reader = Thread(target=read)
    reader.start()
    try:
        with served(database_url) as url, Terminal(tmp_path, url, key).watching(its):
            until(lambda: "0 of 4" in seen.decode(errors="replace"))
            until(lambda: "live" in seen.decode(errors="replace"))
            await apply(conn, hired("c1"), hired("c2"))
            until(lambda: "2 of 4" in seen.decode(errors="replace") and "50%" in seen.decode(errors="replace"))
    finally:
        os.close(its)
        reader.join(10)
        os.close(ours)
