"""One child process: how it is started, found ready, and ended. Synchronous, without threads."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from signal import Signals

import psutil

from schemas.errors import ConfigurationError, Unavailable
from yinfeng.child_spec import ChildSpec, popen_options
from yinfeng.forking import Forked, can_fork
from yinfeng.log_files import rotate

STOP_WITHIN = 10.0
KILL_WITHIN = 5.0


class Phase(StrEnum):
    """Where a child is: `waiting` means dead, with a restart ahead."""

    STARTING = "starting"
    READY = "ready"
    WAITING = "waiting"
    STOPPED = "stopped"


@dataclass(slots=True)
class Child:
    """A child and its present process. `restarts` counts starts after it ended of itself, `renewals` those in which a
    fresh one took its place."""

    spec: ChildSpec
    logs: Path
    phase: Phase = Phase.STOPPED
    restarts: int = 0
    renewals: int = 0
    last_exit: str | None = None
    created: float = 0.0
    started: float = 0.0
    was_ready: bool = False
    next_try: float = 0.0
    next_look: float = 0.0
    delay: float = 0.0
    stopped_since: float | None = None
    missed: int = 0
    probe: Future[tuple[str | None, str | None]] | None = field(default=None, repr=False)
    process: subprocess.Popen[bytes] | Forked | None = field(default=None, repr=False)
    _log_from: int = 0

    @property
    def name(self) -> str:
        return self.spec.name

    @property
    def pid(self) -> int | None:
        return self.process.pid if self.process and self.alive() else None

    @property
    def log_path(self) -> Path:
        return self.logs / f"{self.name}.log"

    def start(self) -> None:
        """Start the process. Raises ConfigurationError when the system refuses to."""
        self.spec.before_start()
        self.logs.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.rotate_log()
        with self.log_path.open("ab") as log:
            self._log_from = log.tell()
            try:
                self.process = self._begun(log.fileno())
            except OSError as error:
                raise ConfigurationError(f"{self.name} can't be started: {error}") from error
        self.started = time.monotonic()
        self.next_look, self.stopped_since, self.missed, self.probe = 0.0, None, 0, None
        with suppress(psutil.NoSuchProcess):
            self.created = psutil.Process(self.process.pid).create_time()
        self.phase = Phase.STARTING

    @property
    def gated(self) -> bool:
        """Whether it waits to be released."""
        return isinstance(self.process, Forked) and not self.process.released

    def release(self) -> None:
        """Let it go on, where it waits. From now on it may be asked whether it is ready, and be late."""
        if isinstance(self.process, Forked):
            self.process.release()
        self.started, self.next_look = time.monotonic(), 0.0

    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def check_ready(self) -> bool:
        """Ask once whether it is ready, and remember a yes. Raises what `is_ready` raises."""
        if self.spec.is_ready():
            self.phase, self.was_ready = Phase.READY, True
        return self.phase is Phase.READY

    def overdue(self) -> bool:
        """Whether it has been starting for longer than it may."""
        late = time.monotonic() - self.started > self.spec.start_timeout
        return self.phase is Phase.STARTING and late and not self.gated

    def suspended(self) -> float:
        """For how many seconds it has been seen stopped by a signal."""
        try:
            stopped = self.pid is not None and psutil.Process(self.pid).status() == psutil.STATUS_STOPPED
        except psutil.NoSuchProcess:
            stopped = False
        if not stopped:
            self.stopped_since = None
        elif self.stopped_since is None:
            self.stopped_since = time.monotonic()
        return time.monotonic() - self.stopped_since if self.stopped_since is not None else 0.0

    def describe_exit(self) -> str:
        """How the last process ended, in words."""
        code = self.process.poll() if self.process else None
        if code is None:
            return "is running"
        return f"ended by {Signals(-code).name}" if code < 0 else f"ended with exit code {code}"

    def log_tail(self, lines: int = 20) -> str:
        """The last lines that the latest start wrote to the log."""
        with self.log_path.open("rb") as log:
            log.seek(max(self._log_from, log.seek(0, os.SEEK_END) - 16_384))
            return "\n".join(log.read().decode(errors="replace").splitlines()[-lines:])

    def stop(self, hurry: Callable[[], bool] = lambda: False) -> None:
        """Ask it to end, and make it end after STOP_WITHIN seconds, or once `hurry()` says so."""
        if not hurry():
            self._signal(self.spec.stop_signal)
            self._wait(STOP_WITHIN, hurry)
        self.kill()
        self.phase = Phase.STOPPED
        self.spec.after_stop()

    def kill(self) -> None:
        """End it now, with whatever it started itself. Leaves no process behind."""
        if self.alive():
            self._signal(self.spec.hurry_signal)
            self._wait(KILL_WITHIN, lambda: False)
        if self.process:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            self.last_exit = self.describe_exit()

    def _begun(self, log: int) -> subprocess.Popen[bytes] | Forked:
        spec = self.spec
        if spec.part and self.process is None and can_fork():
            return Forked(spec.part, name=spec.name, log=log, env=spec.env)
        return subprocess.Popen(spec.command, stdout=log, **popen_options(spec))  # noqa: S603 - the commands are our own

    def _signal(self, number: Signals) -> None:
        if self.process and self.alive():
            self.process.send_signal(number)

    def _wait(self, seconds: float, hurry: Callable[[], bool]) -> None:
        deadline = time.monotonic() + seconds
        while self.alive() and time.monotonic() < deadline and not hurry():
            time.sleep(0.02)

    def rotate_log(self) -> None:
        """Keep the log within bounds, also while its process writes to it. A full disk keeps it as it is."""
        with suppress(OSError):
            rotate(self.log_path)


@contextmanager
def running(spec: ChildSpec, logs: Path) -> Iterator[Child]:
    """Run one child without a supervisor, ready on entry and ended on exit.

    Raises Unavailable with the end of its log when it does not become ready.
    """
    child = Child(spec, logs)
    try:
        child.start()
        while not child.check_ready():
            if not child.alive() or child.overdue():
                raise Unavailable(f"{child.name} did not become ready:\n{child.log_tail()}")
            time.sleep(0.02)
        yield child
    finally:
        child.stop()
