"""Warm up, steady, inject, heal, recover, check: each fault in the same frame, on a platform that runs.

What is checked is what the promises say: C1 and C2, what a client was told is accepted is in the ledger or among the
dead letters; C3, what it was told is not accepted is not there; C4, all of it is applied soon after the fault; C5, the
targets are what the ledger's facts make of them, counted here by one query, and what a listener is told last; C6, the
audit finds no drift; C7, no message went twice, and what is said to be sent the provider had; C8, nothing but poison is
among the dead letters; C9, no process but the victim ended, none is left, and no log has a traceback of ours; C10,
those whom the fault does not touch go on meanwhile.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psycopg
from kafka import KafkaConsumer

from schemas.topics import FACTS
from tests.facts import opened, target
from tests.faults.recorder import Recorder, Way
from tests.faults.watching import Listener, sizes, tracebacks
from tests.kafka.apache_kafka import ApacheKafka
from tests.names import NAMED, name_of
from tests.platform import Platform
from tests.stand_ins.sendgrid import SendGridStandIn

STEADY = 0.7  # seconds of posting before the fault, and after it
RECOVERED_WITHIN = 45.0
SENT = f"SELECT {NAMED} FROM messages WHERE status IN ('sent', 'delivered') AND channel = 'sendgrid'"
TARGET = "all"
PROGRESS = f"SELECT progress FROM targets WHERE target = '{TARGET}'"
PARTS = ("web", "relay", "worker", "broker", "postgres")


@dataclass
class Stage:
    """A platform that runs, with a provider's stand-in; `apache` where its broker is Apache Kafka's."""

    platform: Platform
    provider: SendGridStandIn
    apache: ApacheKafka | None = None

    @property
    def kafka(self) -> str:
        return self.apache.address if self.apache else self.platform.state().kafka or ""

    @property
    def logs(self) -> Path:
        return self.platform.home / "logs"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.platform.port}"

    @property
    def key(self) -> str:
        return (self.platform.home / "organizer.key").read_text().strip()

    def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.platform.state().database_url or "") as connection:
            return connection.execute(query, values).fetchall()

    def number(self, query: str, *values: Any) -> int:
        return int(self.rows(query, *values)[0][0])

    def yinfeng(self, *words: str) -> subprocess.CompletedProcess[str]:
        env = {**os.environ, "YINFENG_HOME": str(self.platform.home), "YINFENG_KAFKA": self.kafka}
        return subprocess.run(
            [sys.executable, "-m", "yinfeng", *words], env=env, capture_output=True, text=True, check=False, timeout=120
        )


@dataclass
class Outcome:
    """What a run found. `stood_still`: for how many seconds nobody who should go on was told ok."""

    lost: list[Any] = field(default_factory=list)
    doubled: list[Any] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    mails_twice: list[str] = field(default_factory=list)
    stood_still: float = 0.0
    recovered_after: float = 0.0

    def faults(self) -> list[str]:
        return [
            *(f"lost: {each}" for each in self.lost[:5]),
            *(f"doubled: {each}" for each in self.doubled[:5]),
            *self.wrong,
            *(f"mail twice: {each}" for each in self.mails_twice[:5]),
        ]


@dataclass(frozen=True)
class Expected:
    """`go_on`: whose posts are accepted meanwhile. `keeps_log`: whether what Kafka acknowledged outlives the fault.
    `victims`: which parts may end."""

    go_on: tuple[Way, ...] = ()
    keeps_log: bool = True
    victims: tuple[str, ...] = ()


def begin(stage: Stage) -> None:
    """Open the campaign, with the target that counts all hires."""
    headers = {"Authorization": f"Bearer {stage.key}", "Content-Type": "application/cloudevents-batch+json"}
    events = [opened(id="faults-opened"), target(TARGET, goal=1_000_000, id="faults-target")]
    assert httpx.post(f"{stage.url}/v1/events", json=events, headers=headers, timeout=20).status_code == 202


def run(stage: Stage, name: str, inject: Callable[[], None], expected: Expected) -> Outcome:
    """One fault in the frame. `inject` returns when it is healed."""
    outcome, starts, logged = Outcome(), _starts(stage), sizes(stage.logs)
    with Listener(stage.url, stage.key, TARGET) as listener:
        _try(stage, _posting(stage, name), inject, expected, outcome)
        number = stage.number(PROGRESS)
        if not listener.shows(number):
            outcome.wrong.append(f"C5: a listener was told {listener.last} last, and the number is {number}")
    ended = {name for name, count in _starts(stage).items() if count != starts[name]} - set(expected.victims)
    outcome.wrong += [f"C9: {name} ended" for name in sorted(ended)]
    outcome.wrong += [f"C9: a traceback in {said}" for said in tracebacks(stage.logs, logged)]
    return outcome


def _try(
    stage: Stage,
    posting: AbstractContextManager[Recorder],
    inject: Callable[[], None],
    expected: Expected,
    outcome: Outcome,
) -> None:
    with posting as recorder:
        time.sleep(STEADY)
        began = time.monotonic()
        inject()
        healed = time.monotonic()
        time.sleep(STEADY)
    outcome.recovered_after = _recover(stage, recorder, outcome, healed)
    for way in expected.go_on:
        outcome.stood_still = max(outcome.stood_still, recorder.longest_silence(way, began, healed))
    _check(stage, recorder, expected, outcome)


def _starts(stage: Stage) -> dict[str, int]:
    return {child.name: child.restarts for child in stage.platform.state().children}


@contextmanager
def _posting(stage: Stage, name: str) -> Iterator[Recorder]:
    recorder = Recorder(stage.url, stage.key, stage.kafka, f"{name}-{time.monotonic_ns()}")
    recorder.start()
    try:
        yield recorder
    finally:
        recorder.stop()


def _recover(stage: Stage, recorder: Recorder, outcome: Outcome, healed: float) -> float:
    """C4: all parts are back, nothing waits, and what Kafka acknowledged has come."""
    deadline = time.monotonic() + RECOVERED_WITHIN
    while time.monotonic() < deadline:
        try:
            back = all(child.state == "ready" for child in stage.platform.state().children)
            if back and not stage.number("SELECT count(*) FROM pending") and _has_come(stage, recorder):
                return time.monotonic() - healed
        except (psycopg.Error, AssertionError):
            pass
        time.sleep(0.1)
    outcome.wrong.append(f"not recovered {RECOVERED_WITHIN:.0f} s after the fault")
    return RECOVERED_WITHIN


def _has_come(stage: Stage, recorder: Recorder) -> bool:
    expected = len(recorder.told("ok", "kafka"))
    known = stage.number("SELECT count(*) FROM facts WHERE source = %s", f"/{recorder.source}")
    return known >= expected or time.monotonic() % 5 < 0.2  # what is missing is for C2 to say


def _check(stage: Stage, recorder: Recorder, expected: Expected, outcome: Outcome) -> None:
    source = f"/{recorder.source}"
    _wait_for_straight(stage, recorder, expected)
    known = {(source, id) for (id,) in stage.rows("SELECT id FROM facts WHERE source = %s", source)}
    promised = recorder.told("ok", "http") | (recorder.told("ok", "kafka") if expected.keeps_log else set())
    outcome.lost += [(*each, _where(stage, recorder, each)) for each in sorted(promised - known)]
    outcome.wrong += [f"C3: refused, and there: {each}" for each in sorted(recorder.told("fail") & known)[:3]]
    counted = stage.number(PROGRESS)
    hires = stage.number("SELECT count(DISTINCT candidate) FROM facts WHERE type = 'hire.started'")
    if counted != hires:
        outcome.doubled.append(f"C5: the target says {counted}, the ledger's facts {hires}")
    audited = stage.yinfeng("audit")
    if audited.returncode:
        outcome.wrong.append(f"C6: {audited.stdout[-600:]}{audited.stderr[-300:]}")
    outcome.mails_twice += sorted(id for id, count in stage.provider.ids().items() if count > 1)
    sent = {name_of(*row) for row in stage.rows(SENT)}
    if unseen := sent - set(stage.provider.ids()):
        outcome.wrong.append(f"C7: {len(unseen)} messages are said to be sent, and the provider never had them")
    if letters := stage.number("SELECT count(*) FROM dead_letters"):
        outcome.wrong.append(f"C8: {letters} dead letters")
    if stage.platform.process.poll() is not None:
        outcome.wrong.append("C9: the supervisor ended")


def _where(stage: Stage, recorder: Recorder, identity: tuple[str, str]) -> str:
    """What can be said of a fact that did not come: whether it comes late, and whether its log has it."""
    time.sleep(15)
    if stage.number("SELECT count(*) FROM facts WHERE source = %s AND id = %s", *identity):
        return "it came late"
    consumer = KafkaConsumer(
        FACTS,
        bootstrap_servers=stage.kafka,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        consumer_timeout_ms=3000,
    )
    found = [(m.partition, m.offset) for m in consumer if json.dumps(identity[1]).encode() in (m.value or b"")]
    consumer.close(autocommit=False)
    positions = dict(stage.rows("SELECT partition, next_offset FROM positions ORDER BY moved_at"))
    gaps = stage.rows("SELECT partition, from_offset, to_offset FROM gaps")
    return f"the log has it at {found}, positions {positions}, gaps {gaps}"


def _wait_for_straight(stage: Stage, recorder: Recorder, expected: Expected) -> None:
    """Nothing says that a straight fact is on its way but that it comes."""
    deadline = time.monotonic() + 10
    wanted = len(recorder.told("ok", "kafka")) if expected.keeps_log else 0
    while time.monotonic() < deadline:
        ids = stage.rows("SELECT id FROM facts WHERE source = %s", f"/{recorder.source}")
        ours = {(f"/{recorder.source}", id) for (id,) in ids} & recorder.told("ok", "kafka")
        if len(ours) >= wanted:
            return
        time.sleep(0.1)
