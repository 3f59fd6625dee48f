"""Partitions are added to the facts' topic while facts come: all are applied, and the new ones have their positions."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from kafka.admin import NewPartitions

from schemas.topics import FACTS, TOPICS
from tests.faults.frame import Expected, run
from tests.faults.matrix import stage
from tests.kafka.apache_kafka import why_not
from yinfeng.kafka_admin import kafka_admin

CACHE = Path(__file__).parents[2] / ".cache" / "kafka"
MORE = 12
KNOWN_WITHIN = 25.0  # seconds: whoever publishes or reads asks the broker as often for its partitions


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_partitions_are_added_while_facts_come(tmp_path: Path):
    if reason := why_not():
        pytest.skip(reason)
    with stage(tmp_path, "apache", CACHE) as on:

        def inject() -> None:
            with kafka_admin(on.kafka) as admin:
                admin.create_partitions({FACTS: NewPartitions(MORE)})
            time.sleep(KNOWN_WITHIN)

        outcome = run(on, "partitions", inject, Expected(("http", "kafka")))
        assert outcome.faults() == []
        placed = on.number("SELECT count(*) FROM positions WHERE topic = %s AND next_offset > 0", FACTS)
        assert placed > TOPICS[FACTS][0]
