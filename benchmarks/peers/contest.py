"""One contestant on the loaded topic: started, metered until its numbers are right, checked, and ended."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import psutil

from benchmarks.metering import Meter, Tree, between
from benchmarks.peers.load import Expected
from benchmarks.peers.results import Fault, Round, Run, wrong

LOOKS_EVERY: Final = 0.1  # seconds
END_WITHIN: Final = 15.0  # seconds; then it is killed
LONGER: Final = 60.0  # seconds that a start may take on top of the limit
LEEWAY: Final = 60.0  # seconds: a peer's limit counts from its start, not from its first fact


@dataclass(frozen=True, slots=True)
class Course:
    """What each contestant finds: a broker with the loaded topic. `seconds` are the most that it may take. `broker`
    is the pid."""

    kafka: str
    topic: str
    broker: int
    expected: Expected
    seconds: float


@dataclass(frozen=True, slots=True)
class Finish:
    """What a contestant came to: the moments (epoch) of its first fact and of its right numbers, and these."""

    began: float
    ended: float
    facts: int
    numbers: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Started:
    """A contestant that runs. `finish` gives None until it has finished; `alive` tells whether it still may; `check`
    looks at what it left, and says what is wrong with it."""

    roots: Sequence[int]
    finish: Callable[[], Finish | None]
    alive: Callable[[], bool]
    check: Callable[[], str | None] = lambda: None


Start = Callable[[Course, Path], AbstractContextManager[Started]]


def run(start: Start, course: Course, folder: Path) -> Round:
    """One round of one contestant. What goes wrong with it is a Fault."""
    folder.mkdir(parents=True)
    try:
        with start(course, folder) as started:
            own, broker = Tree(lambda: started.roots), Tree(lambda: [course.broker])
            with Meter(own, broker) as meter:
                finish = _wait(started, course)
            if finish is None:
                return Fault(f"did not finish: {_last_words(folder)}")
            return _judged(finish, meter, course) if not (fault := _checked(finish, started, course)) else Fault(fault)
    except (OSError, subprocess.SubprocessError) as error:
        return Fault(f"did not run: {error}")


def _wait(started: Started, course: Course) -> Finish | None:
    limit = time.monotonic() + course.seconds + LONGER
    while time.monotonic() < limit:
        if finish := started.finish():
            return finish
        if not started.alive():
            return None
        time.sleep(LOOKS_EVERY)
    return None


def _checked(finish: Finish, started: Started, course: Course) -> str | None:
    if finish.facts < course.expected.facts and finish.ended - finish.began >= course.seconds - LEEWAY:
        took = finish.ended - finish.began
        return f"not done: {finish.facts:,} of {course.expected.facts:,} facts in {took:.0f} s"
    said = {"facts": finish.facts, **finish.numbers}
    return wrong(said, {"facts": course.expected.facts, **course.expected.numbers}) or started.check()


def _judged(finish: Finish, meter: Meter, course: Course) -> Run:
    used = between(meter.samples, finish.began, finish.ended)
    return Run(used.at, used.own, used.broker, max(used.machine - used.own - used.broker, 0.0), meter.peak)


@contextmanager
def program(words: Sequence[str], env: Mapping[str, str], folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process with its words in `log`, ended with all that it started. `env` is its whole environment."""
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            words, env=dict(env), cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
        )
    try:
        yield process
    finally:
        _end(process)


def read_finish(folder: Path) -> Finish | None:
    """What a peer's program wrote of itself; None as long as it has not."""
    with suppress(FileNotFoundError):
        said: dict[str, Any] = json.loads((folder / "result.json").read_bytes())
        return Finish(said["began"], said["ended"], said["facts"], said["numbers"])
    return None


def _end(process: subprocess.Popen[bytes]) -> None:
    with suppress(psutil.NoSuchProcess):
        family = psutil.Process(process.pid).children(recursive=True)
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(END_WITHIN)
        process.kill()
        for each in family:
            with suppress(psutil.NoSuchProcess):
                each.kill()
    process.wait()


def _last_words(folder: Path) -> str:
    """Of its only process, or of those that have a folder each."""
    logs = [*folder.glob("log"), *sorted(folder.glob("*/log"))]
    said = [line for log in logs for line in log.read_text(errors="replace").strip().splitlines()]
    telling = [line for line in said if "Error" in line or "Exception" in line] or said
    return telling[-1].strip()[-300:] if telling else "it said nothing"
