"""Lines that listen to a stream of targets, in a process of their own: what they take of the machine is told apart, and
what is measured does not wait for whoever measures.

Thrifty: all that comes is read, a line at a time into one buffer, and looked into on some of the lines alone.
"""

from __future__ import annotations

import multiprocessing
import select
import socket
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any, Final

from benchmarks.legs import Seen

LANGS: Final = ("en", "zh-CN")
_SMALL: Final = 4096  # bytes that the kernel takes for a deaf line
_PIECE: Final = 65_536  # bytes read at a time
_PATIENCE: Final = 120.0  # seconds
_TARGET, _NUMBER, _END = b'data-target="signups"', b"data-number>", b"<"


@dataclass(frozen=True, slots=True)
class Plan:
    """How many lines there are, how many of them read nothing, and on how many is noted when they heard what."""

    address: str  # host:port
    key: str
    lines: int
    deaf: int
    timed: int


@dataclass(frozen=True, slots=True)
class Heard:
    """What each timed line heard, and what listening took of the processors, in seconds."""

    seen: Sequence[Sequence[Seen]]
    processor: float


class Ears:
    """The process, from entry to exit."""

    def __init__(self, plan: Plan) -> None:
        self._ours, theirs = multiprocessing.Pipe()
        self._process = multiprocessing.get_context("spawn").Process(target=_listen, args=(plan, theirs))
        self.deaf: frozenset[int] = frozenset()

    def __enter__(self) -> Ears:
        """Once all lines are answered; `deaf` are the ports of those that read nothing."""
        self._process.start()
        self.deaf = frozenset(self._answer())
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.join()

    def until(self, number: int) -> Heard:
        """What they heard, once all that are timed have heard of this number."""
        self._ours.send(number)
        heard: Heard = self._answer()
        return heard

    def _answer(self) -> Any:
        if not self._ours.poll(_PATIENCE):
            raise SystemExit(f"waited for {_PATIENCE:.0f} s for what listens")
        return self._ours.recv()


def _listen(plan: Plan, parent: Connection) -> None:
    lines = [_open(plan, number) for number in range(plan.lines)]
    _until_answered(lines)
    parent.send([line.getsockname()[1] for line in lines[: plan.deaf]])
    hearing = lines[plan.deaf :]
    seen: dict[int, list[Seen]] = {line.fileno(): [] for line in hearing[:: len(hearing) // plan.timed]}
    used, wanted = time.process_time(), 0
    for number in _pieces(hearing, seen, parent):
        wanted = number or wanted
        if wanted and all(each and each[-1][1] >= wanted for each in seen.values()):
            parent.send(Heard(list(seen.values()), time.process_time() - used))
            wanted = 0


def _until_answered(lines: Sequence[socket.socket]) -> None:
    """Until each has an answer: that thousands come at once is another matter."""
    poll, waiting = select.epoll(), {line.fileno() for line in lines}
    for number in waiting:
        poll.register(number, select.EPOLLIN | select.EPOLLONESHOT)
    while waiting:
        waiting -= {number for number, _ in poll.poll()}
    poll.close()


def _pieces(hearing: Sequence[socket.socket], seen: dict[int, list[Seen]], parent: Connection) -> Iterator[int]:
    """Read for ever; gives what number the parent waits for, after each round, or 0."""
    lines, buffer, poll = {line.fileno(): line for line in hearing}, bytearray(_PIECE), select.epoll()
    for number in (*lines, parent.fileno()):
        poll.register(number, select.EPOLLIN)
    while True:
        asked = 0
        for number, _ in poll.poll():
            if number == parent.fileno():
                asked = parent.recv()
                continue
            size = lines[number].recv_into(buffer)
            assert size, "a listener that reads was cut"
            if number in seen and (last := _last_number(buffer, size)):
                seen[number].append((time.time(), last))
        yield asked


def _last_number(heard: bytearray, size: int) -> int:
    at = heard.rfind(_TARGET, 0, size)
    begins = heard.find(_NUMBER, at, size) + len(_NUMBER)
    if at < 0 or begins < len(_NUMBER):
        return 0
    return int(heard[begins : heard.find(_END, begins)].replace(b",", b""))


def _open(plan: Plan, number: int) -> socket.socket:
    """The first ones are deaf; every other one reads Chinese."""
    host, _, port = plan.address.rpartition(":")
    line = socket.socket()
    if number < plan.deaf:
        line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _SMALL)
    line.connect((host, int(port)))
    asked = f"GET /targets/stream?lang={LANGS[number % 2]} HTTP/1.1"
    line.sendall("\r\n".join([asked, f"Host: {host}", f"Authorization: Bearer {plan.key}", "", ""]).encode())
    return line
