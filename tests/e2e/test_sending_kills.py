"""Mail under fire: the worker is killed while mails go to a provider that delays, refuses and hangs up."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest

from producers.post import HttpPoster, PostAnswer
from tests.facts import opened, signed_up
from tests.names import NAMED, name_of
from tests.platform import Platform, stop, until, whole
from tests.stand_ins.sendgrid import KEY, Answer, SendGridStandIn

CANDIDATES = 2500
LONG = 240  # seconds
SETTLED = {"sent", "unknown", "failed"}
EXPIRE = "UPDATE messages SET lease_until = now() - interval '1 second' WHERE status = 'claimed'"
REST_OVER = "UPDATE messages SET not_before = NULL WHERE status = 'requested'"


@pytest.fixture
def platform(tmp_path: Path, sendgrid_server: SendGridStandIn) -> Iterator[Platform]:
    running = whole(tmp_path / "home", YINFENG_SENDGRID_API_KEY=KEY, YINFENG_SENDGRID_HOST=sendgrid_server.url)
    yield running
    stop(running)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_no_message_is_sent_twice_or_lost_whatever_dies(platform: Platform, sendgrid_server: SendGridStandIn):
    rng = random.Random(20220830)
    sendgrid_server.script = [_mood(rng) for _ in range(3 * CANDIDATES)]
    _post(platform, [opened(), *[signed_up(f"c{n}", email=f"c{n}@example.com") for n in range(CANDIDATES)]])
    for share in sorted(rng.uniform(0.05, 0.6) for _ in range(4)):
        until(lambda least=share * CANDIDATES: len(sendgrid_server.accepted) > least, LONG)
        _restart(platform, psutil.Process.kill)
        _change(platform, EXPIRE)  # what a lease is for, without the wait
    until(lambda: len(sendgrid_server.accepted) > 0.7 * CANDIDATES, LONG)
    _restart(platform, psutil.Process.terminate)
    until(lambda: _all_settled(platform), LONG)

    statuses = _statuses(platform)
    assert sum(statuses.values()) == CANDIDATES
    seen = sendgrid_server.ids()
    assert set(seen.values()) == {1}
    sent = _named(platform, "status = 'sent' AND candidate IS NOT NULL")
    unknown = _named(platform, "status = 'unknown'")
    assert sent <= set(seen) <= sent | unknown
    assert statuses["sent"] > statuses["unknown"] > 0


def _named(platform: Platform, which: str) -> set[str]:
    """The names outside of messages."""
    return {name_of(*row) for row in _rows(platform, f"SELECT {NAMED} FROM messages WHERE {which}")}


def _mood(rng: random.Random) -> Answer:
    delay = rng.choice([0, 0, 0.01, 0.05])
    return rng.choices(
        [Answer(delay=delay), Answer(500), Answer(drop="before"), Answer(drop="after"), Answer(429), Answer(400)],
        weights=[9800, 40, 40, 40, 10, 70],
    )[0]


def _post(platform: Platform, events: list[dict[str, Any]]) -> None:
    key = (platform.home / "organizer.key").read_text().strip()
    poster, total = HttpPoster(f"http://127.0.0.1:{platform.port}", key), PostAnswer()
    poster.post([json.dumps(event).encode() for event in events], total)
    poster.close()
    assert total.accepted == len(events)


def _restart(platform: Platform, end: Any) -> None:
    before = platform.child("worker")
    end(psutil.Process(before.pid))
    until(lambda: platform.child("worker").restarts > before.restarts and platform.child("worker").state == "ready")


def _all_settled(platform: Platform) -> bool:
    _change(platform, REST_OVER)
    return set(_statuses(platform)) <= SETTLED


def _statuses(platform: Platform) -> Counter[str]:
    return Counter(
        dict(_rows(platform, "SELECT status, count(*) FROM messages WHERE candidate IS NOT NULL GROUP BY 1"))
    )


def _rows(platform: Platform, query: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(platform.state().database_url or "") as connection:
        return connection.execute(query).fetchall()


def _change(platform: Platform, query: str) -> None:
    """Senders change the same rows in an order of their own; whoever is chosen to give way says it once more."""
    for _ in range(10):
        with suppress(psycopg.errors.DeadlockDetected), psycopg.connect(platform.state().database_url or "") as conn:
            conn.execute(query)
            return
    raise AssertionError("ten deadlocks in a row")
