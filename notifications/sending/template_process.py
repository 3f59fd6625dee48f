"""The process that reads and fills HR's templates, and does nothing else: `python -m` this module, which the process
that needs it starts. One request a line comes in, one answer a line goes out, in JSON.

It may have so much memory, and so much processor time for each request; whoever passes that is killed by the system,
and takes nothing along. It has no settings, no database, no files to write.
"""

from __future__ import annotations

import math
import resource
import select
import signal
import sys
from collections.abc import Callable, Mapping
from dataclasses import astuple
from pathlib import Path
from typing import Any, Final

import msgspec

from notifications.sending.own_templates import OwnTemplates
from notifications.sending.template_checking import faults
from schemas.errors import SendRefused
from schemas.messages import Parts

PROCESSOR: Final = 2  # seconds for a request
MEMORY: Final = 128 * 2**20  # bytes beside what the process has when it starts
IDLE: Final = 120.0  # seconds without a request, after which it ends
TOO_MUCH: Final = f"it takes more than {PROCESSOR} seconds or {MEMORY >> 20} MB"


def main() -> int:
    """Answer until the asker has gone, or asks nothing for long."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the asker, whose end is heard
    own = OwnTemplates()
    _limit()
    source, answers = sys.stdin.buffer, sys.stdout.buffer
    while select.select([source], [], [], IDLE)[0] and (line := source.readline()):
        _allow_some_time()
        try:
            answer = ANSWERS[(asked := msgspec.json.decode(line))["do"]](own, asked)
        except MemoryError:
            return 1
        answers.write(msgspec.json.encode(answer) + b"\n")
        answers.flush()
    return 0


def _limit() -> None:
    """No more memory than this from now on, no file of any size, no core."""
    space = _space() + MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (space, space))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _space() -> int:
    """Bytes of address space that this process has; where the system does not say, what such a one has elsewhere."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    except OSError:
        return 2**28


def _allow_some_time() -> None:
    """The limit is of the whole process: it is moved on for each request."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    soft = math.ceil(used.ru_utime + used.ru_stime) + PROCESSOR
    resource.setrlimit(resource.RLIMIT_CPU, (soft, resource.RLIM_INFINITY))


def _fill(own: OwnTemplates, asked: Mapping[str, Any]) -> dict[str, Any]:
    try:
        made = own.render(asked["kind"], asked["locale"], asked["values"], Parts(*asked["parts"]))
    except SendRefused as error:
        return {"refused": str(error)}
    return {"rendered": astuple(made)}


def _check(own: OwnTemplates, asked: Mapping[str, Any]) -> dict[str, Any]:
    return {"faults": [(each.field, each.message) for each in faults(Parts(*asked["parts"]), asked["values"])]}


ANSWERS: Final[dict[str, Callable[[OwnTemplates, Mapping[str, Any]], dict[str, Any]]]] = {
    "fill": _fill,
    "check": _check,
}

if __name__ == "__main__":
    sys.exit(main())
