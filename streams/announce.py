"""What was committed, told to the other processes: progress, milestones, new messages, dead letters.

Only ever late, never wrong: progress is read from the database, at most once in each interval, so that a crash
between commit and announcement is made good by the next round or the next start.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, Final, Protocol

from schemas.cloudevents import STRUCTURED
from schemas.errors import BrokerUnavailable
from schemas.topics import DEAD_LETTERS, MESSAGES, PROGRESS
from storage.announcements import Standing
from storage.dead_letters import DeadLetter
from streams.apply import Applied
from streams.domain.requests import plain_number

log = logging.getLogger(__name__)

SOURCE: Final = "/yinfeng/worker"
RETRY: Final = 2.0  # seconds
MAX_WAITING: Final = 10_000  # message ids and dead letters beyond this are left to sweeps and tables
IDS_IN_ONE: Final = 500
SHARE: Final = 0.2  # of the time is spent on telling, at most: where targets are many it is done less often


class Publish(Protocol):
    """Put one record on a topic and wait until the broker has it."""

    async def __call__(self, topic: str, key: str, value: bytes, headers: dict[str, str]) -> None: ...


class Announcer:
    """`note` what a batch did; `run` tells it, as a task of its own so that a slow broker holds up no batch.

    `read` gives what stands now (see `storage.announcements.standing`).
    """

    def __init__(
        self,
        read: Callable[[], Awaitable[Standing]],
        publish: Publish,
        *,
        interval: float,
        clock: Callable[[], datetime],
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        self._read, self._publish, self._interval, self._clock, self._timer = read, publish, interval, clock, timer
        self._changed = asyncio.Event()
        self._ids: list[int] = []
        self._letters: list[DeadLetter] = []
        self._told: Standing | None = None

    def note(self, applied: Applied) -> None:
        """Something was committed."""
        self._ids = (self._ids + applied.messages)[:MAX_WAITING]
        self._letters = (self._letters + applied.dead_letters)[:MAX_WAITING]
        self._changed.set()

    async def run(self) -> None:
        """Announce until cancelled. The first round tells every target that stands. A broker that is away is waited
        for: hints that are lost meanwhile are made good by those who look by themselves."""
        while True:
            self._changed.clear()
            began = self._timer()
            try:
                await self._tell_messages()
                await self._tell_progress()
                await self._tell_dead_letters()
            except BrokerUnavailable as error:
                log.warning("%s; telling again in %.0f s", error, RETRY)
                self._changed.set()
                await asyncio.sleep(RETRY)
            took = self._timer() - began
            await asyncio.sleep(max(self._interval, took * (1 / SHARE - 1)))
            await self._changed.wait()

    async def _tell_progress(self) -> None:
        now_stands, told = await self._read(), self._told
        for key, row in now_stands.targets.items():
            if told is None or told.targets.get(key) != row:
                await self._tell("target.progressed", key, _entry(row))
        for key in (told.targets.keys() if told else set()) - now_stands.targets.keys():
            await self._tell("target.withdrawn", key, {"campaign": key[0], "target": key[1]})
        for campaign, target, goal, percent in sorted(now_stands.milestones - told.milestones if told else ()):
            reached = now_stands.targets.get((campaign, target))
            if reached is not None and reached["goal"] == goal:
                await self._tell(
                    "target.milestone_reached", (campaign, target), {**_entry(reached), "percent": percent}
                )
        self._told = now_stands

    async def _tell(self, kind: str, key: tuple[str, str], data: dict[str, Any]) -> None:
        now = self._clock()
        event = {
            "specversion": "1.0",
            "id": f"{kind}:{key[0]}/{key[1]}:{data.get('revision', '')}:{now.timestamp()}",
            "source": SOURCE,
            "type": kind,
            "time": now.isoformat(),
            "datacontenttype": "application/json",
            "data": data,
        }
        value = json.dumps(event, ensure_ascii=False).encode()
        await self._publish(PROGRESS, "/".join(key), value, {"content-type": STRUCTURED})

    async def _tell_messages(self) -> None:
        ids, self._ids = self._ids, []
        for start in range(0, len(ids), IDS_IN_ONE):
            portion = ids[start : start + IDS_IN_ONE]
            await self._publish(MESSAGES, str(portion[0]), json.dumps({"ids": portion}).encode(), {})

    async def _tell_dead_letters(self) -> None:
        letters, self._letters = self._letters, []
        for letter in letters:
            place = {"topic": letter.topic, "partition": str(letter.partition), "offset": str(letter.offset)}
            key = (letter.key or b"").decode("utf-8", "replace")
            await self._publish(DEAD_LETTERS, key, letter.value, {**place, "reason": letter.reason})


def _entry(row: dict[str, Any]) -> dict[str, Any]:
    return {
        **row,
        "goal": plain_number(row["goal"]),
        "progress": plain_number(row["progress"]),
        "due_on": row["due_on"].isoformat(),
    }
