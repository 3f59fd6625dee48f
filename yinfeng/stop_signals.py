"""Signals that ask this process to stop only raise a counter, which its loop reads: a Ctrl-C in the middle of a start
takes the same way out as any other."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class StopSignals:
    """`times`: how often somebody asked."""

    def __init__(self) -> None:
        self.times = 0

    @contextmanager
    def heard(self) -> Iterator[None]:
        """Until the block ends."""
        numbers = [signal.SIGINT, signal.SIGTERM]
        # Under nohup a hang-up is ignored, and is to stay so.
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
            numbers.append(signal.SIGHUP)
        before = {number: signal.signal(number, self._count) for number in numbers}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _count(self, number: int, frame: FrameType | None) -> None:
        self.times += 1
