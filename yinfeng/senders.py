"""The senders of one worker: one that is always there, and further ones while more is due than those get done.

One sender is one Python thread. What it makes of a mail keeps that busy, while other processors wait.
"""

from __future__ import annotations

import asyncio
import logging
import os
from typing import Final

from schemas.settings import Settings
from yinfeng.lost_senders import LostSenders
from yinfeng.sender_process import FURTHER, SenderProcess

log = logging.getLogger(__name__)

MUCH_FOR: Final = 120.0  # seconds after much was due last, in which further senders stay: longer than a turn can last
RESTS: Final = (60.0, 900.0)  # seconds after one failed in which none begins: the shortest, the longest
FORGIVEN_AFTER: Final = 300.0  # seconds of life after which the shortest is enough again


class Senders:
    """Several senders as one. Each is one among others on its database, as those of other workers are. `lost`: those
    that were no use any more, of the first and the further ones."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._most_further = min(settings.senders, os.cpu_count() or 1) - 1
        self.lost = LostSenders()
        self._first = SenderProcess(settings, self.much, self.lost.note)
        self._further: dict[SenderProcess, asyncio.Task[None]] = {}
        self._leaving: set[SenderProcess] = set()
        self._rest, self._rests_until = RESTS[0], 0.0
        self._much = asyncio.Event()
        self._closing = False

    def start(self) -> None:
        """Start the first one, from this process where it has no threads yet."""
        self._first.start()

    @property
    def pids(self) -> list[int]:
        """Of the first, and of those that there are beside it."""
        return [each.pid for each in self._all()]

    def release(self) -> None:
        """The servers may be asked."""
        self._first.release()

    def wake(self) -> None:
        """There may be something to send."""
        self._first.wake()  # it says when that is more than it gets done

    def much(self) -> None:
        """More is due than those get done that there are: one says so."""
        self._much.set()

    async def keep(self) -> None:
        """Have senders run until they are closed."""
        await asyncio.gather(self._first.keep(), self._see_to_further())

    async def close(self) -> None:
        """Tell all to end, and wait until they have recorded what they sent."""
        self._closing = True
        self._much.set()
        watching = list(self._further.values())
        await asyncio.gather(*(each.close() for each in self._all()))
        await asyncio.gather(*watching)

    def _all(self) -> list[SenderProcess]:
        return [self._first, *self._further]

    async def _see_to_further(self) -> None:
        """One more each time that it is said there is much."""
        while not self._closing:
            try:
                async with asyncio.timeout(MUCH_FOR if self._further else None):
                    await self._much.wait()
            except TimeoutError:
                self._dismiss()
                continue
            self._much.clear()
            if not self._closing and len(self._further) < self._most_further and self._clock() >= self._rests_until:
                self._add()

    def _add(self) -> None:
        sender = SenderProcess(self._settings, self.much, self.lost.note)
        try:
            sender.start_by_command(FURTHER)
        except OSError as error:
            self._rest_after(0.0, f"can't be started ({error})")
            return
        self._further[sender] = asyncio.create_task(self._watch(sender))

    async def _watch(self, sender: SenderProcess) -> None:
        began = self._clock()
        why = await sender.watched()
        del self._further[sender]
        if sender not in self._leaving and not self._closing:
            self._rest_after(self._clock() - began, why)
        self._leaving.discard(sender)

    def _rest_after(self, lived: float, why: str) -> None:
        """One failed: none begins for a while, each time for longer. The others go on."""
        self.lost.note(why)
        self._rest = RESTS[0] if lived > FORGIVEN_AFTER else self._rest
        log.error("a further sender %s; the others go on, and none begins for %.0f s", why, self._rest)
        self._rests_until = self._clock() + self._rest
        self._rest = min(2 * self._rest, RESTS[1])

    def _dismiss(self) -> None:
        """Let the further ones leave, each once what it has under way is recorded, however long that takes."""
        for each in self._further:
            self._leaving.add(each)
            each.leave()

    @staticmethod
    def _clock() -> float:
        return asyncio.get_running_loop().time()
