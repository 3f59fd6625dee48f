"""How long `yinfeng up` takes until it is ready, and what it holds in memory."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.running import home, platform


def measure() -> Iterator[tuple[str, str, str]]:
    with home() as at:
        with platform(at) as running:
            yield "first start on a new home", f"{running.state.start_seconds:.1f} s", ""
        with platform(at) as running:
            yield "second start", f"{running.state.start_seconds:.1f} s", "10 s"
            yield "memory of all parts, idle", f"{running.memory():.0f} MB", "600 MB"
