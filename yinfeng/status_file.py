"""What a running platform says of itself: `$YINFENG_HOME/run/state.json`, written whole at every change."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from signal import Signals

import msgspec
import psutil

from yinfeng.children import STOP_WITHIN, Child

# psutil derives create times from the boot time, which a corrected clock may shift a little.
_SAME_PROCESS_WITHIN = 2.0


class ChildState(msgspec.Struct, frozen=True, kw_only=True):
    """One child. `memory` is resident bytes with its descendants (0 when not running or not readable)."""

    name: str
    pid: int | None
    created: float
    state: str
    restarts: int
    last_exit: str | None
    stop_signal: int
    memory: int = 0


class PlatformState(msgspec.Struct, frozen=True, kw_only=True):
    """A platform started by `yinfeng up`.

    `start_seconds` is None until all is ready. `database_url` and `kafka` are those of the embedded servers
    (None where the settings name others). `memory` is the supervisor's own, in bytes.
    """

    pid: int
    created: float
    address: str
    started_at: datetime
    start_seconds: float | None
    database_url: str | None
    kafka: str | None
    children: tuple[ChildState, ...]
    memory: int = 0

    @property
    def total_memory(self) -> int:
        """Resident bytes of everything; shared pages count once where the system tells (PSS)."""
        return self.memory + sum(child.memory for child in self.children)


def state_path(home: Path) -> Path:
    return home / "run" / "state.json"


def child_state(child: Child) -> ChildState:
    """What to write about a child."""
    return ChildState(
        name=child.name,
        pid=child.pid,
        created=child.created,
        state=child.phase.value,
        restarts=child.restarts,
        last_exit=child.last_exit,
        stop_signal=int(child.spec.stop_signal),
    )


def write_state(home: Path, state: PlatformState) -> None:
    """Replace the state file in one step; only its owner may read it."""
    path = state_path(home)
    fresh = path.with_suffix(".new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(msgspec.json.format(msgspec.json.encode(state)))
    fresh.replace(path)


def remove_state(home: Path) -> None:
    state_path(home).unlink(missing_ok=True)


def read_state(home: Path) -> PlatformState | None:
    """The platform that runs on `home`; None when none does. Memory is not filled in: it is dear to know."""
    state = _load(home)
    return state if state and _process(state.pid, state.created) else None


def with_memory(state: PlatformState) -> PlatformState:
    """The same with what its processes hold now."""
    children = tuple(
        msgspec.structs.replace(child, memory=_memory(_process(child.pid, child.created), deep=True))
        for child in state.children
    )
    memory = _memory(_process(state.pid, state.created), deep=False)
    return msgspec.structs.replace(state, children=children, memory=memory)


def end_leftovers(home: Path, say: Callable[[str], None]) -> None:
    """End the children of a supervisor that was killed. The caller holds the lock on `home`."""
    state = _load(home)
    for child in reversed(state.children if state else ()):
        process = _process(child.pid, child.created)
        if process is not None:
            say(f"Ending {child.name} (process {process.pid}), left over from a run that was killed")
            end_processes([process], Signals(child.stop_signal))


def end_processes(processes: Iterable[psutil.Process], ask_with: Signals) -> None:
    """Ask each to end, and kill what still stands after STOP_WITHIN seconds."""
    waiting = list(processes)
    for process in waiting:
        with suppress(psutil.NoSuchProcess):
            process.send_signal(ask_with)
    for process in _still_there(waiting, STOP_WITHIN):
        with suppress(psutil.NoSuchProcess):
            process.kill()
    _still_there(waiting, 2.0)


def _still_there(processes: list[psutil.Process], seconds: float) -> list[psutil.Process]:
    deadline = time.monotonic() + seconds
    while (left := [p for p in processes if _runs(p)]) and time.monotonic() < deadline:
        time.sleep(0.02)
    return left


def _runs(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _load(home: Path) -> PlatformState | None:
    try:
        return msgspec.json.decode(state_path(home).read_bytes(), type=PlatformState)
    except (FileNotFoundError, msgspec.DecodeError):
        # A file of another version tells nothing that can be acted on; the next write replaces it.
        return None


def _process(pid: int | None, created: float) -> psutil.Process | None:
    """The process of that number, if it is still the one that was started then."""
    if pid is None:
        return None
    with suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        if abs(process.create_time() - created) < _SAME_PROCESS_WITHIN and _runs(process):
            return process
    return None


def _memory(process: psutil.Process | None, *, deep: bool) -> int:
    if process is None:
        return 0
    try:
        family = [process, *(process.children(recursive=True) if deep else ())]
    except psutil.NoSuchProcess:
        return 0
    return sum(map(_own_memory, family))


def _own_memory(process: psutil.Process) -> int:
    try:
        return int(getattr(process.memory_full_info(), "pss", 0)) or process.memory_info().rss
    except psutil.AccessDenied:
        return process.memory_info().rss
    except psutil.NoSuchProcess:
        return 0
