"""Kill, stop and pause, each of the parts, once or several times in a row: the table of what is tried, and how."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Literal

import psutil

from tests.faults.frame import PARTS, Expected, Stage, begin
from tests.kafka.apache_kafka import start
from tests.platform import gone, stop, until, whole
from tests.stand_ins.sendgrid import KEY, sendgrid_stand_in

Deed = Literal["kill", "stop", "pause"]
DEEDS: tuple[Deed, ...] = ("kill", "stop", "pause")
PAUSED_FOR = 2.0  # seconds
BETWEEN = 1.5  # seconds in which the supervisor sees it run: pauses without are one long one, which ends a part

# Whose posts are accepted while a part is away. Facts over HTTP wait in the ledger, straight ones in the log of Kafka.
GO_ON: dict[str, Expected] = {
    "web": Expected(("kafka",)),
    "relay": Expected(("http", "kafka")),
    "worker": Expected(("http", "kafka")),
    "broker": Expected(("http",)),
    "postgres": Expected(("kafka",)),
}


@contextmanager
def stage(folder: Path, broker: Literal["embedded", "apache"], cache: Path) -> Iterator[Stage]:
    """A platform on this broker, ready and warmed up."""
    with sendgrid_stand_in() as provider:
        apache = start(cache, f"faults-{time.monotonic_ns()}") if broker == "apache" else None
        env = {"YINFENG_SENDGRID_API_KEY": KEY, "YINFENG_SENDGRID_HOST": provider.url}
        try:
            platform = whole(folder / "home", **env, **({"YINFENG_KAFKA": apache.address} if apache else {}))
            made = Stage(platform, provider, apache)
            try:
                begin(made)
                yield made
            finally:
                family = made.platform.family()
                stop(made.platform)
                assert gone(family), "a part is left behind"
        finally:
            if apache:
                apache.stop()


def expected(on: Stage, part: str, deed: Deed) -> Expected:
    """The embedded broker keeps its log in memory: what was not applied when it ends is gone, as its users are told."""
    known = GO_ON[part]
    keeps_log = not (part == "broker" and on.apache is None and deed != "pause")
    return Expected(known.go_on, keeps_log=keeps_log, victims=(part,))


def injection(on: Stage, part: str, deed: Deed, times: int) -> Callable[[], None]:
    """Do it to the part, so many times in a row; each time it is back before the next."""

    def inject() -> None:
        for nth in range(times):
            if nth and deed == "pause":
                time.sleep(BETWEEN)
            if part == "broker" and on.apache is not None:
                _to_apache(on, deed)
            else:
                _to_child(on, part, deed)

    return inject


def _to_child(on: Stage, part: str, deed: Deed) -> None:
    until(lambda: on.platform.child(part).state == "ready", 60)  # one that stood still too long is started again
    child = on.platform.child(part)
    assert child.pid is not None
    family = [psutil.Process(child.pid), *psutil.Process(child.pid).children(recursive=True)]
    if deed == "pause":
        _pause(family)
        return
    psutil.Process(child.pid).send_signal(9 if deed == "kill" else child.stop_signal)
    until(lambda: on.platform.child(part).restarts > child.restarts and on.platform.child(part).state == "ready", 60)


def _to_apache(on: Stage, deed: Deed) -> None:
    assert on.apache is not None
    if deed == "pause":
        _pause([psutil.Process(on.apache.process.pid)])
        return
    if deed == "kill":
        on.apache.kill()
    on.apache.restart()


def _pause(family: list[psutil.Process]) -> None:
    for process in family:
        with suppress(psutil.NoSuchProcess):
            process.suspend()
    time.sleep(PAUSED_FOR)
    for process in family:
        with suppress(psutil.NoSuchProcess):
            process.resume()


CASES = [(part, deed) for part in PARTS for deed in DEEDS]
