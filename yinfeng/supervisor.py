"""The parts of one platform: started in order, kept running, and ended so that nothing is left behind.

One loop, in one thread. Signals only set a counter that the loop reads; probes that may take long are made beside it.
A part that stands still is ended and started again, as one that has died is. Whatever becomes of the disk, parts are
kept and ended: what can't be written is not said, no more.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime

import msgspec
import psutil

from schemas.errors import YinfengError
from schemas.settings import Settings
from yinfeng.child_spec import ChildSpec
from yinfeng.children import Child, Phase
from yinfeng.embedded.own_servers import MakeBroker, own_servers
from yinfeng.forking import can_fork
from yinfeng.pulse import STILL_AFTER
from yinfeng.status_file import PlatformState, child_state, remove_state, write_state
from yinfeng.stop_signals import StopSignals

FIRST_DELAY = 0.5
LONGEST_DELAY = 4.0
FORGIVEN_AFTER = 60.0
LOOK_EVERY = 3.0
SUSPENDED_FOR = 8.0  # seconds that a part may be stopped by a signal
MISSES = 3  # looks in a row that must find a part standing still
GAP = 5.0  # seconds between two rounds after which it was us, or the machine, that stood still


class StartFailed(YinfengError):
    """A part did not become ready on the first start; the message holds the end of its log."""


class _StopAsked(Exception):
    """Somebody asked us to stop while we were starting."""


def next_delay(delay: float, alive: float) -> float:
    """Seconds to wait before a restart, after `delay` last time and a life of `alive` seconds."""
    if delay == 0 or alive >= FORGIVEN_AFTER:
        return FIRST_DELAY
    return min(delay * 2, LONGEST_DELAY)


class Supervisor:
    """The parts of one platform and their lives. The caller holds the lock on the home."""

    def __init__(
        self,
        settings: Settings,
        say: Callable[[str], None],
        *,
        apps: Callable[[Settings], list[ChildSpec]],
        prepare: Callable[[Settings], None],
        on_ready: Callable[[Settings], None],
        broker: MakeBroker,
    ) -> None:
        self._settings = settings
        self._broker = broker
        self._say = say
        self._apps = apps
        self._prepare = prepare
        self._on_ready = on_ready
        self._children: list[Child] = []
        self._stop = StopSignals()
        self._began = self._turned = time.monotonic()
        self._probes = ThreadPoolExecutor(4, thread_name_prefix="probe")
        self._state = PlatformState(
            pid=os.getpid(),
            created=psutil.Process().create_time(),
            address=settings.base_url,
            started_at=datetime.now(UTC),
            start_seconds=None,
            database_url=None,
            kafka=None,
            children=(),
        )

    def run(self) -> int:
        """Start, keep, stop. Raises YinfengError when the start failed; all is stopped by then."""
        with self._stop.heard():
            try:
                self._write_state()
                self._start_all()
                while True:
                    self._turn()
            except _StopAsked:
                return 0
            finally:
                self._stop_all()

    def _start_all(self) -> None:
        """The apps import what they need while the servers start, and wait until all is prepared."""
        settings, servers, ours = own_servers(self._settings, self._broker, self._say)
        serving, apps = self._begin(servers), self._apps(settings)
        early = [spec for spec in apps if spec.part] if can_fork() else []
        waiting = self._begin(early)
        self._until_ready(serving)
        self._write_state(**ours)
        self._prepare(settings)
        self._turned = time.monotonic()  # preparing may take long, and is no standstill
        for child in waiting:
            child.release()
        self._until_ready([*waiting, *self._begin([spec for spec in apps if spec not in early])])
        seconds = time.monotonic() - self._began
        self._write_state(start_seconds=round(seconds, 2))
        self._say(f"Ready in {seconds:.1f} s: {settings.base_url}  (Ctrl-C stops it)")
        self._on_ready(settings)

    def _begin(self, specs: Sequence[ChildSpec]) -> list[Child]:
        """Start these side by side."""
        group = [Child(spec, self._settings.home / "logs") for spec in specs]
        for child in group:
            self._children.append(child)
            child.start()
            self._write_state()
        self._turned = time.monotonic()  # making a database takes seconds, and is no standstill
        return group

    def _until_ready(self, group: Sequence[Child]) -> None:
        """Raises StartFailed."""
        while any(child.phase is not Phase.READY for child in group):
            self._turn()

    def _turn(self) -> None:
        """One round: see to every child, then sleep a little. Raises _StopAsked when told to stop."""
        self._notice_gap()
        for child in self._children:
            if self._stop.times:
                raise _StopAsked
            self._see_to(child)
        # Short while one starts: a broker that is back must have its topics before clients find it.
        busy = any(child.phase is Phase.STARTING for child in self._children)
        time.sleep(0.01 if busy else 0.1)

    def _notice_gap(self) -> None:
        """After a time in which we did not come round either, nobody is blamed for standing still."""
        before, self._turned = self._turned, time.monotonic()
        if self._turned - before > GAP:
            self._say(f"{self._turned - before:.0f} s passed in which nothing ran here; looking at all parts anew")
            for child in self._children:
                child.missed, child.stopped_since = 0, None
                if child.phase is not Phase.STARTING:  # what starts is looked at whether it is ready, as before
                    child.next_look = self._turned + STILL_AFTER

    def _see_to(self, child: Child) -> None:
        if child.phase is Phase.WAITING:
            if time.monotonic() >= child.next_try:
                self._restart(child)
        elif not child.alive():
            self._bury(child, child.describe_exit())
        elif child.overdue():
            self._bury(child, f"not ready after {child.spec.start_timeout:.0f} s")
        elif child.phase is Phase.STARTING:
            if not child.gated:
                self._check(child)
        elif time.monotonic() >= child.next_look:
            self._look_closer(child)

    def _look_closer(self, child: Child) -> None:
        """Ask whether it stands still or is spent; the answer comes at a later round."""
        if child.suspended() > SUSPENDED_FOR:
            self._bury(child, f"was stopped by a signal for {SUSPENDED_FOR:.0f} s")
        elif child.probe is None:
            child.rotate_log()
            child.probe = self._probes.submit(_probe, child.spec, child.pid or 0)
        elif child.probe.done():
            still, spent = child.probe.result()
            child.probe, child.next_look = None, time.monotonic() + LOOK_EVERY
            self._judge(child, still, spent)

    def _judge(self, child: Child, still: str | None, spent: str | None) -> None:
        child.missed = child.missed + 1 if still else 0
        if still and child.missed >= MISSES:
            self._bury(child, still)
        elif spent and not still:
            self._say(f"{child.name} {spent}; a fresh one takes its place")
            child.kill()
            child.renewals += 1
            self._start_again(child)

    def _check(self, child: Child) -> None:
        if time.monotonic() < child.next_look:
            return
        # At first often, then seldom: each look may be a line in a log.
        child.next_look = time.monotonic() + min(0.5, (time.monotonic() - child.started) / 20)
        try:
            ready = child.check_ready()
        except YinfengError as error:
            self._bury(child, str(error))
            return
        if ready:
            self._write_state()
            if child.restarts or child.renewals:
                self._say(f"{child.name} is ready again")

    def _bury(self, child: Child, why: str) -> None:
        """Clear up after a child that is dead or no use, and plan its next start."""
        child.kill()
        if not child.was_ready:
            raise StartFailed(f"{child.name} {why}. The end of {child.log_path}:\n{child.log_tail()}")
        alive = time.monotonic() - child.started
        child.delay = next_delay(child.delay, alive)
        child.next_try = time.monotonic() + child.delay
        child.phase = Phase.WAITING
        self._say(f"{child.name} {why} after {alive:.0f} s; starting it again in {child.delay:g} s")
        self._write_state()

    def _restart(self, child: Child) -> None:
        child.restarts += 1
        self._start_again(child)

    def _start_again(self, child: Child) -> None:
        try:
            child.start()
        except YinfengError as error:
            self._bury(child, str(error))
        self._write_state()

    def _stop_all(self) -> None:
        asked = self._stop.times
        if self._children:
            self._say("Stopping (Ctrl-C again hurries)")
        for child in reversed(self._children):
            with suppress(OSError, YinfengError):
                child.stop(hurry=lambda: self._stop.times > max(asked, 1))
        self._probes.shutdown(wait=False, cancel_futures=True)
        with suppress(OSError):
            remove_state(self._settings.home)
        if self._children:
            self._say("Stopped")

    def _write_state(self, **changes: object) -> None:
        children = tuple(map(child_state, self._children))
        self._state = msgspec.structs.replace(self._state, children=children, **changes)
        with suppress(OSError):  # a full disk: the next change is another try
            write_state(self._settings.home, self._state)


def _probe(spec: ChildSpec, pid: int) -> tuple[str | None, str | None]:
    return spec.stands_still(pid), spec.is_spent(pid)
