"""What a worker's own batches did, told on topics: new messages for the senders, and dead letters.

These are hints: the tables hold the truth, and who needs it looks by himself too. What comes of targets and messages is
told in `streams/telling.py`.
"""

from __future__ import annotations

import asyncio
import json
import logging
from typing import Final, Protocol

from schemas.errors import BrokerUnavailable
from schemas.topics import DEAD_LETTERS, MESSAGES
from storage.ledger.dead_letters import DeadLetter
from streams.apply import Applied

log = logging.getLogger(__name__)

RETRY: Final = 2.0  # seconds
MAX_WAITING: Final = 10_000  # message ids and dead letters beyond this are left to sweeps and tables
IDS_IN_ONE: Final = 5000


class Publish(Protocol):
    """Put one record on a topic and wait until the broker has it."""

    async def __call__(self, topic: str, key: str, value: bytes, headers: dict[str, str]) -> None: ...


class Announcer:
    """`note` what a batch did; `run` tells it, as a task of its own so that a slow broker holds up no batch."""

    def __init__(self, publish: Publish, *, interval: float) -> None:
        self._publish, self._interval = publish, interval
        self._changed = asyncio.Event()
        self._ids: list[int] = []
        self._letters: list[DeadLetter] = []

    def note(self, applied: Applied) -> None:
        """Something was committed."""
        self._ids = (self._ids + applied.messages)[:MAX_WAITING]
        self._letters = (self._letters + applied.dead_letters)[:MAX_WAITING]
        self._changed.set()

    async def run(self) -> None:
        """Announce until cancelled. A broker that is away is waited for: hints that are lost meanwhile are made good by
        those who look by themselves."""
        while True:
            await self._changed.wait()
            self._changed.clear()
            try:
                await self._tell_messages()
                await self._tell_dead_letters()
            except BrokerUnavailable as error:
                log.warning("%s; telling again in %.0f s", error, RETRY)
                self._changed.set()
                await asyncio.sleep(RETRY)
            await asyncio.sleep(self._interval)

    async def _tell_messages(self) -> None:
        ids, self._ids = self._ids, []
        for start in range(0, len(ids), IDS_IN_ONE):
            portion = ids[start : start + IDS_IN_ONE]
            await self._publish(MESSAGES, str(portion[0]), json.dumps({"ids": portion}).encode(), {})

    async def _tell_dead_letters(self) -> None:
        letters, self._letters = self._letters, []
        for letter in letters:
            place = {"topic": letter.topic, "partition": str(letter.partition), "offset": str(letter.offset)}
            await self._publish(DEAD_LETTERS, letter.about, letter.sealed, place)
