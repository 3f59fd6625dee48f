"""A process's pulse: a small file that its own loop writes as it comes round, and what it waits for, if for anything.

Not written by a thread beside the loop: then a loop that hangs would go on having one.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec

from schemas.settings import Settings

EVERY: Final = 1.0  # seconds between writes
MOST_SAID: Final = 150  # characters of what it waits for
LENGTH: Final = 1024  # bytes, as many as a mark has at most: what stood there before is gone with it
PARTS: Final = ("web", "worker", "relay")
# Seconds without a pulse after which a process stands still. A statement of a batch may take 20.
STILL_AFTER: Final = 40.0


class PulseMark(msgspec.Struct, frozen=True, kw_only=True):
    """One pulse. `at` is on this machine's monotonic clock, in seconds."""

    pid: int
    at: float
    waits_for: str | None = None

    def age(self) -> float:
        """Seconds since."""
        return max(0.0, time.monotonic() - self.at)


class Pulse:
    """Call it whenever the loop comes round. A disk that is full makes it silent, not the process.

    Written over in place: where a file takes another's place, or is cut before it is written, ext4 has it on the disk
    at once, and the loop would wait for that each second, tens of milliseconds where the disk has much to do.
    """

    def __init__(self, path: Path) -> None:
        self._path, self._written, self._waits_for = path, 0.0, ""

    def __call__(self, waits_for: str | None = None) -> None:
        now = time.monotonic()
        if now - self._written < EVERY and waits_for == self._waits_for:
            return
        self._written, self._waits_for = now, waits_for or ""
        why = waits_for and waits_for[:MOST_SAID]
        mark = msgspec.json.encode(PulseMark(pid=os.getpid(), at=now, waits_for=why))
        with suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                os.pwrite(file, mark.ljust(LENGTH), 0)
            finally:
                os.close(file)


def pulse_path(settings: Settings, part: str) -> Path:
    """Where a part's pulse stands: `$YINFENG_PULSE_FILE`, or under the home."""
    given = os.environ.get("YINFENG_PULSE_FILE")
    return Path(given) if given else settings.home / "run" / f"{part}.pulse"


def read_beat(path: Path) -> PulseMark | None:
    """The last pulse; None when there is none that can be read."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=PulseMark)
    except (OSError, msgspec.DecodeError):
        return None


def standstill(path: Path, pid: int | None = None) -> str | None:
    """Why a process stands still, by its pulse; None while it gets on. With a pid, only that process's pulse counts:
    one that has just started may have none yet."""
    beat = read_beat(path)
    if beat is None or (pid is not None and beat.pid != pid):
        return None if pid is not None else "has no pulse"
    if beat.age() <= STILL_AFTER:
        return None
    waited = f" (it waited for {beat.waits_for})" if beat.waits_for else ""
    return f"has stood still for {beat.age():.0f} s{waited}"
