"""Faust's aiokafka transport, handing over a partition's records many at a time.

For each message Faust makes an event, acknowledges it and keeps its offset: most of a worker's time at thousands of
messages a second. So consecutive records of one partition come as one message here: its value is the list of
records, its offset that of the last. They can be read ahead at that moment, while the agent still waits for the
database with those before. Measured in `benchmarks/drain.py`; everything else is Faust's own.

It asks of the agents what ours do: that they take and acknowledge the messages of a partition in order.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from typing import Any, Final

from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread, Consumer, Transport
from faust.types import TP, Message

FETCH_WAIT: Final = 100  # milliseconds


class PromptThread(AIOKafkaConsumerThread):  # type: ignore[misc]
    """Faust's consumer, whose fetches wait at a broker for 0.1 s at most.

    Faust asks brokers to hold a fetch for 1.5 s until there is something. Tansu then looks only now and again: facts
    came 0.4 s late on average, now 0.05 s.
    """

    def _create_worker_consumer(self, transport: Any) -> Any:
        consumer = super()._create_worker_consumer(transport)
        consumer._fetch_max_wait_ms = FETCH_WAIT
        return consumer


class ChunkedConsumer(Consumer):  # type: ignore[misc]
    """A consumer whose messages hold up to `app.chunk_size` records each: aiokafka's own, or what the function in
    `app.read_ahead` for their topic makes of them."""

    def _new_consumer_thread(self) -> PromptThread:
        return PromptThread(self, loop=self.loop, beacon=self.beacon)

    async def getmany(self, timeout: float) -> AsyncIterator[tuple[TP, Message]]:
        """What can be read now, round-robin over the partitions."""
        records, active = await self._wait_next_records(timeout)
        generation = self.app.consumer_generation_id
        if records is None or self.should_stop:
            return
        if not self.flow_active:
            await self.perform_seek()
            return
        for tp, chunk in _chunks(records, self.app.chunk_size):
            if not self.flow_active or self.app.consumer_generation_id != generation:
                return
            if active is None or tp in active or tp in self._buffered_partitions:
                message = self._to_message(tp, chunk[-1])
                read = self.app.read_ahead.get(tp.topic)
                message.value = read(chunk) if read else chunk
                yield tp, message

    def _new_offset(self, tp: TP) -> int | None:
        acked = self._acked[tp]
        if not acked:
            return None
        highest: int = max(acked)
        acked.clear()
        self._acked_index[tp].clear()
        return highest + 1

    async def _add_gap(self, tp: TP, offset_from: int, offset_to: int) -> None:
        """Gaps between offsets are no matter where only the highest counts."""


class ChunkedTransport(Transport):  # type: ignore[misc]
    """The aiokafka transport with ChunkedConsumer."""

    Consumer = ChunkedConsumer


def _chunks(records: Mapping[TP, Sequence[Any]], size: int) -> Iterator[tuple[TP, Sequence[Any]]]:
    longest = max(map(len, records.values()), default=0)
    for start in range(0, longest, size):
        for tp, found in records.items():
            if start < len(found):
                yield tp, found[start : start + size]
