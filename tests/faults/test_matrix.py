"""{kill, stop, pause} × {web, relay, worker, broker, Postgres}, on both brokers, while four clients post.

Once each here, and on Apache Kafka those that differ there; `make faults N=50` runs them all, many times and five times
in a row.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.frame import Stage, run
from tests.faults.matrix import CASES, Deed, expected, injection, stage
from tests.kafka.apache_kafka import why_not

CACHE = Path(__file__).parents[2] / ".cache" / "kafka"
DIFFER = {("broker", "kill"), ("broker", "pause"), ("worker", "kill"), ("relay", "kill")}
STOOD_STILL = 20.0  # seconds: who is not concerned goes on


@pytest.fixture(scope="module", params=["embedded", "apache"])
def on(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    if request.param == "apache" and (reason := why_not()):
        pytest.skip(reason)
    with stage(tmp_path_factory.mktemp("faults"), request.param, CACHE) as made:
        yield made


@pytest.mark.slow
@pytest.mark.timeout(200)
@pytest.mark.parametrize(("part", "deed"), CASES, ids=[f"{deed}-{part}" for part, deed in CASES])
def test_nothing_is_lost_doubled_or_sent_twice(on: Stage, part: str, deed: Deed):
    if on.apache and (part, deed) not in DIFFER:
        pytest.skip("the same as on the embedded broker; `make faults` tries it")
    outcome = run(on, f"{deed}-{part}", injection(on, part, deed, 1), expected(on, part, deed))
    assert outcome.faults() == []
    assert outcome.stood_still < STOOD_STILL
