"""Quix Streams: dedupe and journeys in its state (RocksDB with changelogs), the targets by a group_by."""

from __future__ import annotations

from typing import Any

from journey import identity, is_of_a_candidate, tell
from quix_app import make_app
from quixstreams import State
from watch import TOPIC, Watch


def main() -> None:
    watch = Watch()

    def fold(fact: dict[str, Any], state: State) -> list[dict[str, Any]]:
        name = identity(fact)
        if state.exists(name):
            return []
        state.set(name, 1)
        watch.fact()
        known = state.get("journey", {})
        changes = tell(known, fact)
        state.set("journey", known)
        return [{"target": target, "amount": amount} for target, amount in changes]

    def count(delta: dict[str, Any], state: State) -> int:
        number = state.get("number", 0) + delta["amount"]
        state.set("number", number)
        watch.set(delta["target"], number)
        return number

    app = make_app()
    facts = app.dataframe(app.topic(TOPIC, key_deserializer="str", value_deserializer="json"))
    deltas = facts.filter(is_of_a_candidate).apply(fold, stateful=True, expand=True).group_by("target")
    deltas.apply(count, stateful=True)
    app.run()


if __name__ == "__main__":
    main()
