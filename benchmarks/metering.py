"""What processes take: processor time and memory of whole trees, sampled by a thread."""

from __future__ import annotations

import threading
import time
from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

import psutil

EVERY: Final = 0.5  # seconds between looks at the processors: each takes from what is measured
MEMORY_EVERY: Final = 4  # looks: the system adds a process's pages up for each


@dataclass(slots=True)
class Tree:
    """Processes with all that they started. What ended is still counted, as last seen."""

    roots: Callable[[], Sequence[int]]
    seen: dict[tuple[int, float], float] = field(default_factory=dict)

    def look(self) -> float:
        """Processor seconds so far."""
        for process in self.processes():
            try:
                times = process.cpu_times()
                self.seen[process.pid, process.create_time()] = times.user + times.system
            except psutil.NoSuchProcess:
                continue
        return sum(self.seen.values())

    def memory(self) -> float:
        """MB now; pages that processes share count once where the system tells (PSS)."""
        return sum(map(_memory, self.processes())) / 2**20

    def processes(self) -> Iterable[psutil.Process]:
        for pid in self.roots():
            try:
                root = psutil.Process(pid)
                yield root
                yield from root.children(recursive=True)
            except psutil.NoSuchProcess:
                continue


@dataclass(frozen=True, slots=True)
class Sample:
    """Processor seconds until `at` (epoch): the contestant's, the broker's, and all of the machine's."""

    at: float
    own: float
    broker: float
    machine: float


class Meter:
    """Samples until the block ends."""

    def __init__(self, own: Tree, broker: Tree) -> None:
        self._own, self._broker = own, broker
        self.samples: list[Sample] = []
        self.peak = 0.0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Meter:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._stop.set()
        self._thread.join()
        self._look()

    def _run(self) -> None:
        looks = 0
        while not self._stop.wait(EVERY):
            self._look()
            if looks % MEMORY_EVERY == 0:
                self.peak = max(self.peak, self._own.memory())
            looks += 1

    def _look(self) -> None:
        times = psutil.cpu_times()
        machine = sum(times) - times.idle - getattr(times, "iowait", 0.0) - getattr(times, "guest", 0.0)
        self.samples.append(Sample(time.time(), self._own.look(), self._broker.look(), machine))


def between(samples: Sequence[Sample], began: float, ended: float) -> Sample:
    """What was used from one moment to the other; `at` is the time between them."""
    first, last = _at(samples, began), _at(samples, ended)
    return Sample(ended - began, last.own - first.own, last.broker - first.broker, last.machine - first.machine)


def _at(samples: Sequence[Sample], moment: float) -> Sample:
    """The state at a moment, in a straight line between the samples around it."""
    after = min(bisect_left([each.at for each in samples], moment), len(samples) - 1)
    one, two = samples[max(after - 1, 0)], samples[after]
    share = 0.0 if two.at == one.at else min(max((moment - one.at) / (two.at - one.at), 0.0), 1.0)

    def mixed(a: float, b: float) -> float:
        return a + (b - a) * share

    return Sample(moment, mixed(one.own, two.own), mixed(one.broker, two.broker), mixed(one.machine, two.machine))


def _memory(process: psutil.Process) -> int:
    try:
        return int(getattr(process.memory_full_info(), "pss", 0)) or process.memory_info().rss
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return 0
