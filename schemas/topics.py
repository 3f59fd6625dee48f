"""The Kafka topics: their names, and how many partitions the embedded and scaled set-ups make."""

from __future__ import annotations

from typing import Final

FACTS: Final = "yinfeng.facts"
PROGRESS: Final = "yinfeng.progress"
MESSAGES: Final = "yinfeng.messages"
DEAD_LETTERS: Final = "yinfeng.dead-letters"

# name → (partitions, topic configs). Tansu has no defaults of its own, so each is given.
TOPICS: Final[dict[str, tuple[int, dict[str, str]]]] = {
    FACTS: (8, {"retention.ms": "604800000", "cleanup.policy": "delete"}),
    PROGRESS: (1, {"retention.ms": "3600000", "cleanup.policy": "delete"}),
    MESSAGES: (8, {"retention.ms": "86400000", "cleanup.policy": "delete"}),
    DEAD_LETTERS: (1, {"retention.ms": "2592000000", "cleanup.policy": "delete"}),
}

FACTS_GROUP: Final = "yinfeng"
# On facts that the relay publishes: the fact's number in the ledger.
SEQ_HEADER: Final = "yinfeng_seq"
