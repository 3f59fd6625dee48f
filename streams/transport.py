"""Faust's aiokafka transport with a cheaper inner loop.

Stock Faust makes two asyncio tasks for each message it hands to a stream, so that a rebalance can interrupt a
stream that is full. Here a message is handed over directly while nothing would block, and the stock way is
taken when something would. Measured in `benchmarks/drain.py`; everything else is Faust's own.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any, cast

from faust.transport.drivers.aiokafka import Consumer, Transport
from faust.types import TP, Message
from mode import Service

_YIELD_EVERY = 100
_BREATH = 0.001  # seconds


class DirectConsumer(Consumer):  # type: ignore[misc]
    """A consumer that skips the per-message tasks while the streams have room."""

    async def _drain_messages(self, fetcher: Any) -> None:
        stopped = [cast("Service", service)._stopped.is_set for service in (self, fetcher)]
        handed_over = 0
        try:
            while not any(check() for check in stopped):
                messages = cast("AsyncIterator[tuple[TP, Message]]", self.getmany(timeout=1.0))
                await asyncio.sleep(0)
                if self.should_stop:
                    break
                async for tp, message in messages:
                    handed_over += 1
                    if handed_over % _YIELD_EVERY == 0:
                        await asyncio.sleep(0)
                    await self._hand_over(tp, message)
        except (self.consumer_stopped_errors, asyncio.CancelledError):
            if not self.transport.app.should_stop:
                raise

    async def _hand_over(self, tp: TP, message: Message) -> None:
        read = self._read_offset[tp]
        if read is not None and message.offset < read:
            return
        if read and message.offset - read > 1 and self.app.topics.acks_enabled_for(message.topic):
            await self._add_gap(tp, read + 1, message.offset)
        while self._full(tp) and not self.suspend_flow.is_set():
            await asyncio.sleep(_BREATH)
        if self.suspend_flow.is_set() or not self.app.flow_control.is_active():
            await self.wait_first(self.callback(message), self.suspend_flow.wait())
        else:
            await self.callback(message)
        self._read_offset[tp] = message.offset

    def _full(self, tp: TP) -> bool:
        return any(channel.queue.full() for channel in self.app.topics._tp_index[tp])


class DirectTransport(Transport):  # type: ignore[misc]
    """The aiokafka transport with DirectConsumer."""

    Consumer = DirectConsumer
