"""How long what goes by a name may take on Postgres."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Limits:
    """In seconds; 0 means none. `statement`, `lock` (waiting for one) and `idle` (within a transaction) are the
    server's to hold. `silence`: a server that says nothing for so long is given up, whatever became of it."""

    statement: float
    lock: float
    idle: float
    silence: float


def limits(name: str) -> Limits:
    """How long what goes by this name may take."""
    return LIMITS.get(name, COMMAND)


def server_limits(name: str) -> list[str]:
    """In milliseconds, those that the server holds: of a statement, of a lock, of what is idle."""
    within = limits(name)
    return [str(int(seconds * 1000)) for seconds in (within.statement, within.lock, within.idle)]


COMMAND: Final = Limits(statement=0, lock=0, idle=0, silence=0)  # somebody at a terminal who can press Ctrl-C
LIMITS: Final[dict[str, Limits]] = {
    # Who asks over HTTP has an answer within ten seconds.
    "web": Limits(statement=7, lock=3, idle=10, silence=8),
    # A batch that one statement is too long for is halved; a worker that stands still lets go of its locks.
    "worker": Limits(statement=20, lock=10, idle=10, silence=25),
    # What it waits for to claim holds up a worker that was told to stop: less than containers are given to end.
    "sender": Limits(statement=20, lock=3, idle=10, silence=25),
    # It reads whole campaigns, and writes nothing meanwhile.
    "counter": Limits(statement=900, lock=10, idle=60, silence=910),
    # It holds a lease of ten seconds.
    "relay": Limits(statement=8, lock=5, idle=10, silence=9),
}
