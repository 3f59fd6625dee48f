"""How long `yinfeng up` takes until it is ready, as it says itself and from the command on, and what it holds in
memory, part by part (shared pages are shared out: PSS)."""

from __future__ import annotations

import time
from collections.abc import Iterator

from benchmarks.running import home, platform
from yinfeng.status_file import read_state, with_memory

SETTLES: float = 4.0  # seconds after a start


def measure() -> Iterator[tuple[str, str, str]]:
    with home() as at:
        with platform(at) as running:
            yield "first start on a new home", f"{running.state.start_seconds:.1f} s", ""
        began = time.monotonic()
        with platform(at) as running:
            yield "second start", f"{running.state.start_seconds:.1f} s", "3.5 s"
            yield "  from the command on", f"{time.monotonic() - began:.1f} s", ""
            time.sleep(SETTLES)
            yield "memory of all parts, idle", f"{running.memory():.0f} MB", "250 MB"
            state = with_memory(read_state(at) or running.state)
            for name, held in [("up", state.memory), *((child.name, child.memory) for child in state.children)]:
                yield f"  {name}", f"{held / 2**20:.0f} MB", ""
