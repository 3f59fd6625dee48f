"""The Kafka topics: their names, and how many partitions each is made with; the embedded broker has its own numbers
(yinfeng/embedded/broker.py)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

FACTS: Final = "yinfeng.facts"
PROGRESS: Final = "yinfeng.progress"
MESSAGES: Final = "yinfeng.messages"
OUTCOMES: Final = "yinfeng.outcomes"
DEAD_LETTERS: Final = "yinfeng.dead-letters"

# An event that the edge accepts has 1 MiB at most as it is posted. As it is published, spaces stand after its colons
# and commas, which makes half as much again at the worst; then come the key and the headers.
FACT_BYTES: Final = 2 * 1024 * 1024
# What a record takes beside its key and value: headers, and the batch that it may be alone in.
RECORD_OVERHEAD: Final = 512

# Kafka deletes whole segments, each once its latest record is older than the retention. A segment may grow for a week
# unless told otherwise: what stood in one in the clear would stay for a fortnight.
_FACTS: Final = {
    "retention.ms": "604800000",
    "segment.ms": "86400000",
    "cleanup.policy": "delete",
    "max.message.bytes": str(FACT_BYTES),
}

Topics = Mapping[str, tuple[int, Mapping[str, str]]]  # name → (partitions, topic configs)

# Tansu has no defaults of its own, so each is given.
TOPICS: Final[Topics] = {
    FACTS: (8, _FACTS),
    PROGRESS: (1, {"retention.ms": "3600000", "cleanup.policy": "delete"}),
    MESSAGES: (8, {"retention.ms": "86400000", "cleanup.policy": "delete"}),
    OUTCOMES: (1, {"retention.ms": "86400000", "cleanup.policy": "delete"}),
    DEAD_LETTERS: (1, {"retention.ms": "2592000000", "cleanup.policy": "delete"}),
}

FACTS_GROUP: Final = "yinfeng"
# On facts that the relay publishes: the fact's number in the ledger.
SEQ_HEADER: Final = "yinfeng_seq"
