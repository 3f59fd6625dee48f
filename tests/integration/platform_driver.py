"""Runs `run_platform` as `yinfeng up` does, with small real children: `HOME PORT CHILD…`, or `embedded`
(with `small-broker`, one that is renewed at every look).

A child is named `NAME` or `NAME:KIND`, the kinds being those of `_SCRIPTS`.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from rich.console import Console

from schemas.settings import Settings
from yinfeng import children, supervisor
from yinfeng.child_spec import ChildSpec
from yinfeng.embedded import broker
from yinfeng.platform import run_platform

_READY = "import os, subprocess, sys, time, signal, pathlib\nready = lambda: pathlib.Path(sys.argv[1]).touch()\n"

_SCRIPTS = {
    "steady": _READY + "subprocess.Popen(['sleep', '600'])\nready()\ntime.sleep(600)",
    "stubborn": _READY + "signal.signal(signal.SIGTERM, signal.SIG_IGN)\nready()\ntime.sleep(600)",
    "talking": _READY + "ready()\nwhile True: print('x' * 9999, flush=True); time.sleep(0.001)",
    "slow": _READY + "time.sleep(600)",
    "broken": _READY + "print('table facts is missing', flush=True)\nsys.exit(3)",
}


def _spec(home: Path, name: str, kind: str) -> ChildSpec:
    ready = home / "run" / f"{name}.ready"

    def forget() -> None:
        ready.unlink(missing_ok=True)

    return ChildSpec(
        name=name,
        command=(sys.executable, "-c", _SCRIPTS[kind], str(ready)),
        env=dict(os.environ),
        before_start=forget,
        after_stop=forget,
        is_ready=ready.exists,
    )


def main(home: Path, port: int, words: list[str]) -> int:
    console = Console(width=200)
    if words[0] == "embedded":
        if words[1:] == ["small-broker"]:
            broker.MEMORY_LIMIT, supervisor.LOOK_EVERY = 0, 1.0
        return run_platform(Settings(home=home, port=port), console, apps=lambda _: [], prepare=lambda _: None)
    supervisor.LOOK_EVERY, supervisor.SUSPENDED_FOR = 0.2, 1.0
    # So long that only hurrying ends a child that does not listen.
    children.STOP_WITHIN = 3600
    servers = {"database_url": "postgresql://elsewhere", "kafka": "elsewhere:9092"}
    pairs = [word.partition(":") for word in words]
    specs = [_spec(home, name, kind or "steady") for name, _, kind in pairs]
    settings = Settings(home=home, port=port, **servers)
    return run_platform(settings, console, apps=lambda _: specs, prepare=lambda _: None)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]))
