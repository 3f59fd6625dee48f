"""Stock Faust: an agent that folds into tables, and one that counts what it says of the targets."""

from __future__ import annotations

import sys

import faust
from journey import identity, is_of_a_candidate, tell
from watch import FOLDER, GROUP, KAFKA, TOPIC, Watch

PARTITIONS = 8

app = faust.App(
    GROUP,
    broker=f"kafka://{KAFKA}",
    store="rocksdb://",
    datadir=str(FOLDER / "faust"),
    topic_partitions=PARTITIONS,
    consumer_auto_offset_reset="earliest",
    web_enabled=False,
)
facts = app.topic(TOPIC, key_type=str, key_serializer="raw", value_serializer="json")
deltas = app.topic(
    f"{GROUP}-deltas",
    key_type=str,
    key_serializer="raw",
    value_serializer="json",
    partitions=PARTITIONS,
    internal=True,  # Faust makes it
)
seen = app.Table("seen", default=bool, partitions=PARTITIONS)
journeys = app.Table("journeys", default=dict, partitions=PARTITIONS)
targets = app.Table("targets", default=int, partitions=PARTITIONS)
watch = Watch()


@app.agent(facts)
async def fold(stream: faust.StreamT) -> None:
    """Each fact once, into the journey of its candidate."""
    async for key, fact in stream.items():
        name = identity(fact)
        if not is_of_a_candidate(fact) or seen[name]:
            continue
        seen[name] = True
        watch.fact()
        known = journeys[key]
        changes = tell(known, fact)
        journeys[key] = known
        for target, amount in changes:
            await deltas.send(key=target, value=amount)


@app.agent(deltas)
async def count(stream: faust.StreamT) -> None:
    """What changes, summed up by target."""
    async for target, amount in stream.items():
        targets[target] += amount
        watch.set(target, targets[target])


if __name__ == "__main__":
    sys.argv[1:] = ["worker", "-l", "warn"]
    app.main()
