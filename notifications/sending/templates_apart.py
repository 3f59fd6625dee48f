"""HR's templates, read and filled apart: in a process that may do nothing else, started when it is needed and ended by
the system when it passes its limits. Neither the process that applies facts nor the web app runs what HR wrote."""

from __future__ import annotations

import os
import select
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import astuple
from pathlib import Path
from typing import Any, Final

import msgspec

from notifications.sending.filling import Rendered
from notifications.sending.template_process import TOO_MUCH
from schemas.errors import FieldError, SendRefused, TooMany
from schemas.messages import Parts

MOST_WAITING: Final = 32  # requests; whoever comes later is told so
PATIENCE: Final = 30.0  # seconds for an answer on a busy machine: the limit is one of processor time
_GOING: Final = 1.0  # seconds between the end of what it says and its own
MOST_ANSWER: Final = 8 * 2**20  # bytes
_PROGRAM: Final = (sys.executable, "-m", "notifications.sending.template_process")
_ROOT: Final = Path(__file__).parents[2]


class TemplatesApart:
    """One such process, asked from any thread, one request after another. It starts with the first."""

    def __init__(self) -> None:
        self._asking = threading.Lock()
        self._room = threading.BoundedSemaphore(MOST_WAITING)
        self._process: subprocess.Popen[bytes] | None = None

    def render(self, kind: str, locale: str, values: Mapping[str, Any], parts: Parts) -> Rendered:
        """The mail. Raises SendRefused when it can't be filled with these or takes too much, TooMany."""
        asked = {"do": "fill", "kind": kind, "locale": locale, "values": values, "parts": astuple(parts)}
        answer = self._ask(asked)
        if answer is None or "refused" in answer:
            why = f"the template {locale}/{kind} can't be filled: {TOO_MUCH}"
            raise SendRefused(why if answer is None else str(answer["refused"]))
        return Rendered(*answer["rendered"])

    def faults(self, parts: Parts, known: Mapping[str, Any]) -> list[FieldError]:
        """What is wrong with a template as it is written (see `template_checking`). Raises TooMany."""
        answer = self._ask({"do": "check", "values": known, "parts": astuple(parts)})
        if answer is None:
            return [FieldError("content", TOO_MUCH)]
        return [FieldError(field, message) for field, message in answer["faults"]]

    def close(self) -> None:
        """End the process, if there is one."""
        with self._asking:
            self._end()

    def _ask(self, asked: Mapping[str, Any]) -> Any:
        """The answer; None where the process ended over it."""
        if not self._room.acquire(blocking=False):
            raise TooMany("too many templates are being tried; try again in a moment")
        try:
            with self._asking:
                return self._answer(msgspec.json.encode(asked) + b"\n")
        finally:
            self._room.release()

    def _answer(self, line: bytes) -> Any:
        for _ in range(2):
            process = self._running()
            try:
                assert process.stdin is not None
                process.stdin.write(line)
                process.stdin.flush()
                return msgspec.json.decode(_line(process))
            except (OSError, EOFError, msgspec.DecodeError):
                went = _went_idle(process)
                self._end()
                if not went:
                    return None
        return None

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            self._end()
            # Nothing of ours is in its environment: settings have secrets.
            environment = {"PYTHONPATH": str(_ROOT), "PYTHONUTF8": "1"}
            self._process = subprocess.Popen(  # noqa: S603 - our own program
                _PROGRAM, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment
            )
            weakref.finalize(self, _ended, self._process)
        return self._process

    def _end(self) -> None:
        if self._process is not None:
            _ended(self._process)
            self._process = None


def _line(process: subprocess.Popen[bytes]) -> bytes:
    """One answer. Raises TimeoutError (an OSError), or EOFError where the process ended."""
    assert process.stdout is not None
    read, deadline = bytearray(), time.monotonic() + PATIENCE
    while not read.endswith(b"\n"):
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([process.stdout], [], [], left)[0]:
            raise TimeoutError
        piece = os.read(process.stdout.fileno(), 2**16)
        read += piece
        if not piece or len(read) > MOST_ANSWER:
            raise EOFError
    return bytes(read)


def _went_idle(process: subprocess.Popen[bytes]) -> bool:
    """Whether it ended by itself, having waited long enough: just as it was asked, which is nothing against what was
    asked."""
    try:
        return process.wait(_GOING) == 0
    except subprocess.TimeoutExpired:
        return False


def _ended(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    for pipe in (process.stdin, process.stdout):
        with suppress(OSError):
            if pipe is not None:
                pipe.close()
    process.wait()
