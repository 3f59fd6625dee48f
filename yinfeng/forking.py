"""A child that goes on from this process instead of starting a program: it has at once what is imported here, and
shares its memory.

Only for a process without threads: of those, none but the one that forks comes along, and another may hold a lock.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from subprocess import TimeoutExpired
from typing import Final, NoReturn

from schemas.errors import YinfengError
from yinfeng.masking import say_end

Gate = Callable[[], None]  # waits until the child is released
Part = Callable[
    [Gate], int
]  # what a child does; it calls `begin` once it can do no more by itself. Gives its exit code

_FILES: Final = "/proc/self/fd"
_ASKED_BY: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_COMM: Final = Path("/proc/self/comm")  # the name that `top` and `ps` show


def can_fork() -> bool:
    """Whether a child can go on from here. Other systems' own libraries don't bear it."""
    return sys.platform == "linux" and threading.active_count() == 1


def apart(work: Callable[[], object]) -> None:
    """Do it in a child that goes on from here, and wait for its end: what it loads goes with it. Where there are
    threads, it is done here. Raises the YinfengError that it ended with, or one where it came to no end."""
    if not can_fork():
        work()
        return
    ours, theirs = multiprocessing.Pipe(duplex=False)
    child = multiprocessing.get_context("fork").Process(target=_answer, args=(work, theirs))
    child.start()
    theirs.close()
    try:
        error: YinfengError | None = ours.recv()
    except EOFError:
        child.join()
        error = YinfengError(f"a step of the start came to no end: it ended with {child.exitcode}")
    child.join()
    if error:
        raise error


def _answer(work: Callable[[], object], parent: Connection) -> None:
    try:
        work()
    except YinfengError as error:
        parent.send(error)
    else:
        parent.send(None)


class Forked:
    """Such a child, with what `subprocess.Popen` has for one, as far as a supervisor asks. It ends by itself where this
    process ends before it is released. `line`: a file of ours that it keeps, by which it hears of our end; so it stays
    in our session, and whoever ends that ends both."""

    def __init__(self, part: Part, *, name: str, log: int, env: Mapping[str, str], line: int | None = None) -> None:
        _say_all()
        gate, self._gate = os.pipe()
        gc.freeze()  # or the child's collector would write to every page with an object on it, and share none
        before = signal.pthread_sigmask(
            signal.SIG_BLOCK, _ASKED_BY
        )  # what asks the child to end is not for our handlers
        self.pid = os.fork()
        if not self.pid:
            _live(part, gate=gate, name=name, log=log, env=env, line=line)
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        os.close(gate)
        self.released = False
        self._code: int | None = None

    def release(self) -> None:
        """Let it go on. Harmless to call again, and when it is dead."""
        if not self.released:
            self.released = True
            with suppress(BrokenPipeError):
                os.write(self._gate, b".")
            os.close(self._gate)

    def poll(self) -> int | None:
        """Its exit code, or the number of the signal that ended it, negative; None while it runs."""
        if self._code is None:
            try:
                pid, status = os.waitpid(self.pid, os.WNOHANG)
            except ChildProcessError:  # whoever started us has children's ends ignored: as `subprocess` takes it
                pid, status = self.pid, 0
            self._code = os.waitstatus_to_exitcode(status) if pid else None
        return self._code

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end. Raises TimeoutExpired."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while (code := self.poll()) is None:
            if deadline is not None and time.monotonic() >= deadline:
                raise TimeoutExpired(str(self.pid), timeout or 0.0)
            time.sleep(0.01)
        return code

    def send_signal(self, number: int) -> None:
        """Nothing happens when it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)


def _live(part: Part, *, gate: int, name: str, log: int, env: Mapping[str, str], line: int | None) -> NoReturn:
    """Be the child until its end; nothing of what this process would do later is done by it."""
    code = 1
    try:
        if line is None:
            os.setsid()
        _be_alone(name, log, env, keeping={gate, line})
        code = part(lambda: _wait_at(gate))
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except YinfengError as error:
        print(f"yinfeng: {error}", file=sys.stderr)  # noqa: T201 - as its command says it
    except BaseException as error:
        say_end(error)
    finally:
        _say_all()
        os._exit(code)


def _say_all() -> None:
    """Write what waits to be said, where somebody hears it: a console may be closed, and a disk full."""
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            with suppress(OSError, ValueError):
                stream.flush()


def _be_alone(name: str, log: int, env: Mapping[str, str], *, keeping: Collection[int | None]) -> None:
    """With files and surroundings as a program that was started would have them: above all without the lock on the
    home, which would outlive its holder."""
    for number in _ASKED_BY:
        if callable(signal.getsignal(number)):
            signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _ASKED_BY)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for here, there in ((nothing, 0), (log, 1), (log, 2)):
        os.dup2(here, there)
    for file in map(int, os.listdir(_FILES)):  # not a range: where the system has no call for that, it takes minutes
        if file > 2 and file not in keeping:
            with suppress(OSError):  # the one by which they were listed
                os.close(file)
    # Not its parent's, which may hold words that can't be written, or be closed.
    sys.stdout = open(1, "w", encoding="utf-8", buffering=1, closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", encoding="utf-8", buffering=1, errors="backslashreplace", closefd=False)  # noqa: SIM115
    os.environ.clear()
    os.environ.update(env)
    sys.argv = ["yinfeng", name]
    with suppress(OSError):
        _COMM.write_text(f"yinfeng {name}"[:15])


def _wait_at(gate: int) -> None:
    """Raises SystemExit where whoever would release us is gone."""
    released = os.read(gate, 1)
    os.close(gate)
    if not released:
        raise SystemExit("the supervisor has ended")
