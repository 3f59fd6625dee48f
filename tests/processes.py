"""`yinfeng worker`, `relay` and `web` as processes of their own, on servers that a test names."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.platform import until


class Part:
    """One process; what it says is in `log`."""

    def __init__(self, folder: Path, *command: str, database_url: str, kafka: str, **env: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.log, self._ready = folder / "log.txt", folder / "ready"
        self._ready.unlink(missing_ok=True)
        named = {
            "YINFENG_HOME": str(folder),
            "YINFENG_DATABASE_URL": database_url,
            "YINFENG_KAFKA": kafka,
            "YINFENG_READY_FILE": str(self._ready),
        }
        with self.log.open("wb") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "yinfeng", *command],
                env={**os.environ, **named, **env},
                stdout=out,
                stderr=subprocess.STDOUT,
            )

    def is_ready(self) -> bool:
        assert self.process.poll() is None, self.log.read_text()
        return self._ready.exists()

    def until_ready(self) -> None:
        until(self.is_ready)

    def end(self) -> None:
        self.process.kill()
        self.process.wait()


@contextmanager
def part(folder: Path, *command: str, database_url: str, kafka: str, **env: str) -> Iterator[Part]:
    """A process that is killed at the end."""
    running = Part(folder, *command, database_url=database_url, kafka=kafka, **env)
    try:
        yield running
    finally:
        running.end()
