"""Bytewax: journeys with what they have seen in its state (snapshots in SQLite), the targets keyed anew."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import bytewax.operators as op
from bytewax._bytewax import cli_main
from bytewax.connectors.kafka import KafkaSource
from bytewax.dataflow import Dataflow
from bytewax.outputs import DynamicSink, StatelessSinkPartition
from bytewax.recovery import RecoveryConfig, init_db_dir
from confluent_kafka import OFFSET_BEGINNING
from journey import identity, is_of_a_candidate, tell
from watch import FOLDER, KAFKA, TOPIC, Watch

Delta = tuple[str, int]


class Told(StatelessSinkPartition[Delta]):
    """Tells the watch what the numbers are."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch

    def write_batch(self, items: list[Delta]) -> None:
        for target, number in items:
            self._watch.set(target, number)


class ToWatch(DynamicSink[Delta]):
    def __init__(self, watch: Watch) -> None:
        self._watch = watch

    def build(self, step_id: str, worker_index: int, worker_count: int) -> Told:
        return Told(self._watch)


def make_flow(watch: Watch) -> Dataflow:
    """From the topic to the numbers."""

    def read(message: Any) -> tuple[str, dict[str, Any]] | None:
        fact = json.loads(message.value)
        return (message.key.decode(), fact) if is_of_a_candidate(fact) else None

    def fold(state: dict[str, Any] | None, fact: dict[str, Any]) -> tuple[dict[str, Any], Iterable[Delta]]:
        state = state or {"seen": [], "journey": {}}
        name = identity(fact)
        if name in state["seen"]:
            return state, []
        state["seen"].append(name)
        watch.fact()
        return state, tell(state["journey"], fact)

    def count(number: int | None, amount: int) -> tuple[int, int]:
        return (number or 0) + amount, (number or 0) + amount

    flow = Dataflow("peer")
    source = KafkaSource([KAFKA], [TOPIC], starting_offset=OFFSET_BEGINNING, batch_size=1000)
    facts = op.filter_map("read", op.input("facts", flow, source), read)
    deltas = op.map("by-target", op.stateful_flat_map("journeys", facts, fold), lambda each: each[1])
    op.output("told", op.stateful_map("targets", deltas, count), ToWatch(watch))
    return flow


if __name__ == "__main__":
    kept = FOLDER / "snapshots"
    kept.mkdir()
    init_db_dir(kept, 1)
    cli_main(make_flow(Watch()), recovery_config=RecoveryConfig(str(kept)))
