"""Four clients that post without pause, and write down what they were told of each fact: ok, fail or unknown.

The checkers read these notes and the database, and nothing of the code that is tried.
"""

from __future__ import annotations

import itertools
import json
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Literal

import httpx

from producers.client import BulkPoster
from schemas.errors import BrokerUnavailable, DeliveryFailed
from tests.facts import hired, signed_up

Word = Literal["ok", "fail", "unknown"]
Way = Literal["http", "kafka"]
Identity = tuple[str, str]

PAUSE = 0.1  # seconds between a client's posts
TOGETHER = 5  # facts of a batch


@dataclass
class Note:
    """What a client was told of one fact, and when (monotonic seconds): `unknown` until it was told anything."""

    way: Way
    candidate: str
    word: Word = "unknown"
    at: float = 0.0


@dataclass
class Recorder:
    """The clients and their notes, by the fact's identity. `source` tells one run from another."""

    url: str
    key: str
    kafka: str
    source: str
    notes: dict[Identity, Note] = field(default_factory=dict)
    _http: httpx.Client = field(default_factory=lambda: httpx.Client(verify=False, timeout=12))
    _posters: dict[str, BulkPoster] = field(default_factory=dict)
    _stop: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def start(self) -> None:
        """Let all four post."""
        for number, client in enumerate((self._one_by_one, self._in_batches, self._straight, self._straight)):
            thread = threading.Thread(target=self._run, args=(client, f"{self.source}-{number}"))
            thread.start()
            self._threads.append(thread)

    def stop(self) -> None:
        """Let them end; what they wait for they are told, or give up."""
        self._stop.set()
        for thread in self._threads:
            thread.join()
        self._http.close()
        for name in list(self._posters):
            self._hang_up(name)

    def told(self, word: Word, way: Way | None = None, *, since: float = 0.0, until: float = 1e18) -> set[Identity]:
        """The facts of which clients were told so, between these moments."""
        return {
            identity
            for identity, note in list(self.notes.items())
            if note.word == word and way in (None, note.way) and since <= note.at <= until
        }

    def longest_silence(self, way: Way, since: float, until: float) -> float:
        """The longest time within this span in which no client of this way was told ok."""
        times = sorted(n.at for n in list(self.notes.values()) if n.word == "ok" and n.way == way)
        inside = [since, *(at for at in times if since < at < until), until]
        return max(after - before for before, after in itertools.pairwise(inside))

    def _run(self, client: Callable[[str, int], None], name: str) -> None:
        for number in itertools.count():
            if self._stop.is_set():
                return
            client(name, number)
            time.sleep(PAUSE)

    def _facts(self, name: str, number: int, count: int, way: Way) -> list[dict[str, Any]]:
        """Signups and hires, new ones and such as were posted before."""
        events = []
        for n in range(count):
            candidate = f"{name}-r{number}-n{n}"  # letters, or one of many looks like a telephone number
            made = hired if n % 2 else signed_up
            more = {} if n % 2 else {"email": f"{candidate}@example.com"}
            event = made(candidate, id=candidate, source=f"/{self.source}", **more)
            self.notes[event["source"], event["id"]] = Note(way, candidate)
            events.append(event)
        return events

    def _note(self, events: list[dict[str, Any]], word: Word) -> None:
        for event in events:
            note = self.notes[event["source"], event["id"]]
            note.word, note.at = word, time.monotonic()

    def _one_by_one(self, name: str, number: int) -> None:
        (event,) = self._facts(name, number, 1, "http")
        self._post([event], "application/cloudevents+json", json.dumps(event))

    def _in_batches(self, name: str, number: int) -> None:
        events = self._facts(name, number, TOGETHER, "http")
        self._post(events, "application/x-ndjson", "\n".join(map(json.dumps, events)))

    def _post(self, events: list[dict[str, Any]], kind: str, body: str) -> None:
        headers = {"Authorization": f"Bearer {self.key}", "Content-Type": kind}
        try:
            answer = self._http.post(f"{self.url}/v1/events", content=body, headers=headers)
        except httpx.ConnectError:
            self._note(events, "fail")
        except httpx.HTTPError:
            self._note(events, "unknown")
        else:
            # A 503 says that nothing is certain: the commit may have gone through before its answer was lost.
            self._note(events, "ok" if answer.status_code == 202 else "unknown")

    def _straight(self, name: str, number: int) -> None:
        events = self._facts(name, number, TOGETHER, "kafka")
        try:
            if name not in self._posters:
                self._posters[name] = BulkPoster(self.kafka)
            self._posters[name].post(events)
        except (BrokerUnavailable, DeliveryFailed):
            self._note(events, "unknown")
            self._hang_up(name)
        else:
            self._note(events, "ok")

    def _hang_up(self, name: str) -> None:
        if poster := self._posters.pop(name, None):
            with suppress(BrokerUnavailable):
                poster.close()
