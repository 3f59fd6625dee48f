"""The promise under fire: everything may be killed while facts come in, and the numbers are exact afterwards."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import pytest

from producers.post import HttpPoster, PostAnswer
from schemas.facts import Fact, validate_event
from schemas.kinds import FACT_KINDS
from storage.messages.reasons import stored
from streams.domain.campaign import fold_campaign
from streams.domain.fold import fold, retractions, stands
from streams.domain.measures import contribution, fairs_held, milestones
from streams.domain.requests import candidate_requests
from tests.names import FINAL
from tests.platform import Platform, stop, until, whole
from yinfeng.demo.park import park_facts

CLIENTS = 4
PORTION = 40
VICTIMS = ("worker", "relay", "broker", "postgres", "web")


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[Platform]:
    running = whole(tmp_path / "home")
    yield running
    stop(running)


@pytest.mark.slow
def test_facts_posted_by_four_clients_while_everything_is_killed_are_counted_exactly(platform: Platform):
    rng = random.Random(20220830)
    events = park_facts(7, today=date(2026, 7, 1), candidates=1330)
    facts = {fact.identity: fact for fact in reversed([validate_event(event) for event in events])}
    assert len(facts) >= 5000
    posting = _Posting(platform, _deal(rng, events))
    _kill_in_turn(platform, rng)
    totals = posting.finish()
    _kill_in_turn(platform, rng)

    # Of what a killed web app had committed without answering, the second answer says "duplicate".
    assert totals.rejected == 0
    assert _scalar(platform, "SELECT count(*) FROM facts") == len(facts)
    until(lambda: _scalar(platform, "SELECT count(*) FROM pending") == 0)
    assert _rows(platform, "SELECT campaign, target, progress FROM targets") == _plain_fold(list(facts.values()))
    done = _yinfeng(platform, "audit")
    assert (done.returncode, "drift 0" in done.stdout) == (0, True), done.stdout + done.stderr
    _each_message_went_out_once(platform, list(facts.values()))


class _Posting:
    """Four clients, each with its own share, whose last portions wait for `finish`."""

    def __init__(self, platform: Platform, shares: list[list[dict[str, Any]]]) -> None:
        key = (platform.home / "organizer.key").read_text().strip()
        url = f"http://127.0.0.1:{platform.port}"
        self._may_finish = threading.Event()
        self._pool = ThreadPoolExecutor(len(shares))
        self._runs = [self._pool.submit(_post_share, url, key, share, self._may_finish) for share in shares]

    def finish(self) -> PostAnswer:
        """Let them post the rest; what all of them were answered, summed."""
        self._may_finish.set()
        answers = [run.result(300) for run in self._runs]
        self._pool.shutdown()
        return PostAnswer(
            accepted=sum(answer.accepted for answer in answers),
            duplicates=sum(answer.duplicates for answer in answers),
            rejected=sum(answer.rejected for answer in answers),
        )


def _post_share(url: str, key: str, share: list[dict[str, Any]], may_finish: threading.Event) -> PostAnswer:
    total, poster = PostAnswer(), HttpPoster(url, key)
    lines = [json.dumps(event, ensure_ascii=False).encode() for event in share]
    for start in range(0, len(lines), PORTION):
        may_finish.wait(0.1)
        if start + 5 * PORTION > len(lines):
            may_finish.wait()
        poster.post(lines[start : start + PORTION], total)
    poster.close()
    return total


def _deal(rng: random.Random, events: list[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """Every event to one client at least, a third of them to two, each share shuffled."""
    shares: list[list[dict[str, Any]]] = [[] for _ in range(CLIENTS)]
    for event in events:
        for client in rng.sample(range(CLIENTS), 2 if rng.random() < 0.33 else 1):
            shares[client].append(event)
    for share in shares:
        rng.shuffle(share)
    return shares


def _kill_in_turn(platform: Platform, rng: random.Random) -> None:
    for victim in VICTIMS:
        time.sleep(rng.uniform(0.2, 1.0))
        restarts = platform.child(victim).restarts
        platform.kill_child(victim)
        until(lambda v=victim, r=restarts: platform.child(v).restarts > r and platform.child(v).state == "ready")


def _plain_fold(facts: list[Fact]) -> set[tuple[Any, ...]]:
    """Every target's number, from all facts at once."""
    retracted = retractions(facts)
    standing = [fact for fact in facts if stands(fact, retracted)]
    numbers = set()
    for name in {fact.campaign for fact in standing}:
        own = [fact for fact in standing if fact.campaign == name]
        campaign = fold_campaign(fact for fact in own if fact.candidate is None)
        assert campaign.particulars is not None
        people = [fold(mine) for mine in _by_candidate(own).values()]
        for target in campaign.targets.values():
            zone = ZoneInfo(campaign.particulars.timezone)
            held = (
                fairs_held(campaign.fairs.values(), target, datetime.now(UTC), zone)
                if target.measure == "fairs_held"
                else {}
            )
            parts = [held, *(contribution(person, milestones(person), target, zone) for person in people)]
            numbers.add((name, target.target, sum((n for part in parts for n in part.values()), Decimal(0))))
    return numbers


def _by_candidate(facts: list[Fact]) -> dict[str, list[Fact]]:
    found: dict[str, list[Fact]] = {}
    for fact in facts:
        if fact.candidate is not None and fact.type != "fact.retracted":
            found.setdefault(fact.candidate, []).append(fact)
    return found


def _each_message_went_out_once(platform: Platform, facts: list[Fact]) -> None:
    retracted = retractions(facts)
    erased = {fact.candidate for fact in facts if fact.type == "candidate.erased"}
    wanted = {
        stored(request.dedupe_key, request.campaign, request.candidate)
        for fact in facts
        if fact.type in FACT_KINDS and stands(fact, retracted) and fact.candidate not in erased
        for request in candidate_requests(fact)
    }
    asked = {key for (key,) in _rows(platform, "SELECT dedupe_key FROM messages")}
    assert wanted <= asked
    settled = ",".join([*FINAL, "held"])
    left = f"SELECT id FROM messages WHERE NOT status = ANY('{{{settled}}}') AND coalesce(not_before, now()) <= now()"
    until(lambda: not _rows(platform, left))
    sent = _rows(platform, "SELECT message FROM message_attempts WHERE status = 'sent' GROUP BY 1 HAVING count(*) > 1")
    assert sent == set()
    assert _scalar(platform, "SELECT count(*) FROM messages WHERE status = 'failed'") == 0
    assert _rows(platform, "SELECT id FROM messages WHERE status = 'sent'") == _rows(
        platform, "SELECT message FROM message_attempts WHERE status = 'sent'"
    )


def _rows(platform: Platform, query: str) -> set[tuple[Any, ...]]:
    with psycopg.connect(platform.state().database_url or "") as connection:
        return set(connection.execute(query).fetchall())


def _scalar(platform: Platform, query: str) -> int:
    return int(next(iter(_rows(platform, query)))[0])


def _yinfeng(platform: Platform, *words: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "YINFENG_HOME": str(platform.home)}
    return subprocess.run(
        [sys.executable, "-m", "yinfeng", *words], env=env, capture_output=True, text=True, check=False, timeout=120
    )
