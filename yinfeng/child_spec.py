"""How a child process is to be run."""

from __future__ import annotations

import pwd
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from signal import Signals
from typing import Any

from yinfeng.forking import Part


def _nothing() -> None:
    pass


def _never(pid: int) -> str | None:
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildSpec:
    """How to run one child.

    `is_ready` is asked again and again after a start: False means not yet; a YinfengError means that this
    start has failed and the process is to be ended. `is_spent` is asked now and then while it is ready, with
    the pid, and gives the reason when a fresh process should take its place; so is `stands_still`, of one that hangs:
    that one is ended, and started again. Both may take a while. `before_start` runs before every
    start and `after_stop` once, at the end. `env` is the whole environment: nothing is inherited. `user` is a
    system user to run as (only root may say so). `stop_signal` asks it to end, `hurry_signal` makes it end.

    `part`: what the command does, for a first start by a fork of this process, where that can be; it waits to be
    released. A start after that is the command's, with nothing of what may have gone wrong here.
    """

    name: str
    command: tuple[str, ...]
    env: Mapping[str, str]
    is_ready: Callable[[], bool]
    is_spent: Callable[[int], str | None] = _never
    stands_still: Callable[[int], str | None] = _never
    before_start: Callable[[], None] = _nothing
    after_stop: Callable[[], None] = _nothing
    stop_signal: Signals = Signals.SIGTERM
    hurry_signal: Signals = Signals.SIGKILL
    user: str | None = None
    cwd: Path | None = None
    start_timeout: float = 60.0
    part: Part | None = None


def popen_options(spec: ChildSpec) -> dict[str, Any]:
    """What `Popen` takes besides the command and where it writes."""
    # A session of its own: Ctrl-C in the terminal must reach the supervisor alone.
    options: dict[str, Any] = {
        "stdin": subprocess.DEVNULL,
        "stderr": subprocess.STDOUT,
        "env": dict(spec.env),
        "cwd": spec.cwd,
        "start_new_session": True,
    }
    if spec.user:
        account = pwd.getpwnam(spec.user)
        options |= {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
    return options
