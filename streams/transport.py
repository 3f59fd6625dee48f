"""Faust's aiokafka transport, reading the facts from positions that Postgres holds, many records at a time.

Four things differ from Faust's own, for the topic whose reading `app.facts_flow` describes; the rest is left as it is.

*Positions.* Faust reads on where the group committed, and commits what was acknowledged, which a stream does also
with what was cancelled. Here a partition is read on where `app.placer` places it, what is acknowledged moves nothing,
and what is committed to Kafka is only what Postgres has: for other people's tools.

*Chunks.* For each message Faust makes an event, acknowledges it and keeps its offset: most of a worker's time at
thousands of messages a second. So consecutive records of one partition come as one message here, whose value is a
Chunk. Measured in `benchmarks/drain.py`.

*Waiting.* While enough waits to be applied, the facts are not read, but the polling goes on, so that the group keeps
this member however long Postgres is away.

*No tables.* As it starts, Faust waits a second for tables to be made, before it joins the group. Here there are none.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Final

from aiokafka.errors import CorruptRecordException, IllegalStateError, KafkaError
from aiokafka.structs import OffsetAndMetadata, TopicPartition
from faust.tables import TableManager
from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread, Consumer, Transport
from faust.types import TP, Message

from schemas.errors import Fenced, Unavailable
from storage.ledger.positions import Log
from streams.flow import Flow
from streams.placing import Placer

FETCH_WAIT: Final = (5, 100)  # milliseconds: while facts come and are applied at once, and else
BEHIND_WAIT: Final = 0.1  # seconds between looks whether what waits has become little
COMING: Final = 5.0  # seconds after facts in which more are expected
ROOM_WAIT: Final = 0.5  # seconds between polls while there is no room
PLACE_WITHIN: Final = 5.0  # seconds; then the group is polled before it is tried again
COMMIT_WITHIN: Final = 5.0  # seconds
MOST_HOLES: Final = 10_000  # known ones; beyond, some are looked at again
NOWHERE: Final = frozenset({TP("", -1)})  # polled where nothing may be read: aiokafka takes no partition for all


class PromptThread(AIOKafkaConsumerThread):  # type: ignore[misc]
    """Faust's consumer, whose fetches wait at a broker for 0.1 s at most, and whose commits may fail.

    Faust asks brokers to hold a fetch for 1.5 s until there is something. Kafka answers as soon as there is; Tansu
    looks, and then sleeps out the wait, whatever it found: a record came 5.8 ms after it was acknowledged (mean) with a
    wait of 10, 3.3 with 5. With 1 it was 1.1, until looking took longer than that, and most came late. So it waits
    shortly while facts come, and asks seldom while none do. While many wait to be applied it asks seldom too: asking
    took 2 % of a processor where the log was read to its end long ago.

    Faust also ends the worker when a commit fails; ours are for others to see.
    """

    def _create_worker_consumer(self, transport: Any) -> Any:
        consumer = super()._create_worker_consumer(transport)
        consumer._fetch_max_wait_ms = FETCH_WAIT[1]
        return consumer

    def expect(self, *, more: bool) -> None:
        """Whether more facts are to be expected soon, and applied at once. From any thread: each fetch reads the number
        anew."""
        fetcher = getattr(self._consumer, "_fetcher", None)
        if fetcher is not None:
            fetcher._fetch_max_wait_ms = FETCH_WAIT[0 if more else 1]

    async def _commit(self, offsets: Mapping[TP, int]) -> bool:
        held = self.assignment()
        wanted = {TopicPartition(*tp): OffsetAndMetadata(at, "") for tp, at in offsets.items() if tp in held}
        try:
            await asyncio.wait_for(self._ensure_consumer().commit(wanted), COMMIT_WITHIN)
        except (KafkaError, IllegalStateError, TimeoutError) as error:
            self.log.warning("what was applied is not committed to Kafka: %s", error or type(error).__name__)
            return False
        return True


class PlacedConsumer(Consumer):  # type: ignore[misc]
    """A consumer that reads the topic of `app.facts_topic` from our positions, in chunks."""

    def on_init(self) -> None:
        """Faust calls it at the end of its own construction."""
        self._read_in = -1
        self._came_at = 0.0
        self._holes: set[tuple[int, int | None, int]] = set()
        super().on_init()

    @property
    def _flow(self) -> Flow:
        flow: Flow = self.app.facts_flow
        return flow

    def _new_consumer_thread(self) -> PromptThread:
        return PromptThread(self, loop=self.loop, beacon=self.beacon)

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """What was read may be another's now."""
        self._flow.restart()
        await super().on_partitions_revoked(revoked)

    async def on_partitions_assigned(self, assigned: set[TP], generation_id: int = 0) -> None:
        """What is ours now is to be placed."""
        self._flow.restart()
        await super().on_partitions_assigned(assigned, generation_id)

    async def perform_seek(self) -> None:
        """Faust seeks to what was committed; the facts are placed anew after it."""
        await super().perform_seek()
        self._flow.restart()

    async def getmany(self, timeout: float) -> AsyncIterator[tuple[TP, Message]]:
        """What can be read now, round-robin over the partitions."""
        if self._flow.idle:
            self.app.pulse(None)
        records, active = await self._wait_next_records(timeout)
        generation, epoch = self.app.consumer_generation_id, self._flow.epoch
        if not records or self.should_stop:
            return
        if epoch != self._read_in:  # it ended while the records came over
            records = _without(records, self.app.facts_topic)
        if not self.flow_active:
            await self.perform_seek()
            return
        for message in self._messages(records):
            held = active is None or message.tp in active or message.tp in self._buffered_partitions
            if held and self.flow_active and self.app.consumer_generation_id == generation:
                yield message.tp, message
            else:
                self._flow.restart()  # what is not handed over is to be read again
            if self._flow.epoch != epoch:
                return

    async def _getmany(self, active_partitions: set[TP] | None, timeout: float) -> Mapping[TP, Sequence[Any]]:
        wanted = set(active_partitions or ())
        facts = {tp for tp in wanted if tp.topic == self.app.facts_topic}
        readable = wanted - facts
        if facts and not await self._flow.wait_for_room(ROOM_WAIT):
            timeout = 0
        elif facts and await self._place(facts):
            readable = wanted
        else:
            timeout = min(timeout, ROOM_WAIT)
        epoch = self._read_in = self._flow.epoch
        if not self._flow.has_little:
            timeout = min(timeout, BEHIND_WAIT)
        self._thread.expect(more=self._flow.has_little and self.loop.time() - self._came_at < COMING)
        try:
            found = await self._thread.getmany(readable or NOWHERE, timeout if readable else 0)
        except CorruptRecordException as error:
            self.log.error("the broker's records are damaged on the way or on its disk, reading again: %s", error)
            self._flow.restart()
            await asyncio.sleep(1)
            return {}
        except BaseException:
            self._flow.restart()  # aiokafka may have handed records over to nobody
            raise
        if not readable:
            await asyncio.sleep(0.05)
        if any(tp.topic == self.app.facts_topic for tp in found):
            self._came_at = self.loop.time()
        if epoch != self._flow.epoch:
            return _without(found, self.app.facts_topic)
        return await self._in_order(found)

    async def _place(self, facts: set[TP]) -> bool:
        """Seek where the flow has no place yet. False when that can't be done now."""
        unplaced = self._flow.unplaced({tp.partition for tp in facts})
        if not unplaced:
            return True
        epoch, tps = self._flow.epoch, [TP(self.app.facts_topic, partition) for partition in sorted(unplaced)]
        try:
            at, offsets = await asyncio.wait_for(self._find_places(tps), PLACE_WITHIN)
            await self._thread.seek_wait({tp: offsets[tp.partition] for tp in tps})
        except (Unavailable, Fenced, KafkaError, IllegalStateError, TimeoutError) as error:
            self.log.warning("where to read on can't be told yet: %s", error or type(error).__name__)
            await asyncio.sleep(0.2)
            return False
        return epoch == self._flow.epoch and self._flow.place(at, offsets)

    async def _find_places(self, tps: list[TP]) -> tuple[Log, dict[int, int]]:
        placer: Placer = self.app.placer
        at = await self.app.identify()
        starts = await self._thread.earliest_offsets(*tps)
        ends = await self._thread.highwaters(*tps)
        by_partition = [{tp.partition: offset for tp, offset in each.items()} for each in (starts, ends)]
        return at, await placer.place(at, *by_partition)

    async def _in_order(self, found: Mapping[TP, Sequence[Any]]) -> Mapping[TP, Sequence[Any]]:
        """Without facts that don't go on where the last ones ended: these are read again from a new place."""
        ours = [tp for tp, records in found.items() if tp.topic == self.app.facts_topic and records]
        later = [tp for tp in ours if found[tp][0].offset > (self._flow.expected(tp.partition) or 0)]
        if any(found[tp][0].offset < (self._flow.expected(tp.partition) or 0) for tp in ours):
            self._flow.restart()
        elif later and (await self._dropped(later) or self._is_news({tp: found[tp][0].offset for tp in later})):
            self._flow.hold()
        else:
            return found
        return _without(found, self.app.facts_topic)

    def _is_news(self, holes: Mapping[TP, int]) -> bool:
        """Whether any of these offsets is seen for the first time behind offsets that hold nothing. A transaction's
        marks hold nothing; but what a client or a broker left out once it gives when it is asked again."""
        seen = {(tp.partition, self._flow.expected(tp.partition), offset) for tp, offset in holes.items()}
        news = not seen <= self._holes
        self._holes = seen | (self._holes if len(self._holes) < MOST_HOLES else set())
        return news

    async def _dropped(self, tps: list[TP]) -> bool:
        """Whether the log dropped what comes next, rather than holding no record there."""
        try:
            starts = await asyncio.wait_for(self._thread.earliest_offsets(*tps), PLACE_WITHIN)
        except (KafkaError, TimeoutError):
            return True  # not known: what is there is read again, from its place
        return any(starts[tp] > (self._flow.expected(tp.partition) or 0) for tp in tps)

    def _messages(self, records: Mapping[TP, Sequence[Any]]) -> Any:
        for tp, found in records.items():
            if tp.topic != self.app.facts_topic:
                yield from (self._to_message(tp, record) for record in found)
        facts = {tp.partition: found for tp, found in records.items() if tp.topic == self.app.facts_topic}
        for chunk in self._flow.cut(facts):
            tp = TP(self.app.facts_topic, chunk.partition)
            message = self._to_message(tp, facts[chunk.partition][-1])
            message.offset, message.value = chunk.upto - 1, chunk
            yield message

    def _new_offset(self, tp: TP) -> int | None:
        if tp.topic == self.app.facts_topic:
            self._acked[tp].clear()
            self._acked_index[tp].clear()
            return self._flow.untold(tp.partition)
        acked = self._acked[tp]
        if not acked:
            return None
        highest: int = max(acked)
        acked.clear()
        self._acked_index[tp].clear()
        return highest + 1

    async def _add_gap(self, tp: TP, offset_from: int, offset_to: int) -> None:
        """Gaps between offsets are no matter where only the highest counts."""


def _without(found: Mapping[TP, Sequence[Any]], topic: str) -> Mapping[TP, Sequence[Any]]:
    return {tp: records for tp, records in found.items() if tp.topic != topic}


class NoTables(TableManager):  # type: ignore[misc]
    """Faust's manager of tables, where there are none to wait for."""

    async def on_start(self) -> None:
        """Faust's, without the second that it sleeps."""
        if not self.should_stop:
            await self._update_channels()
            await self.recovery.start()


class PlacedTransport(Transport):  # type: ignore[misc]
    """The aiokafka transport with PlacedConsumer."""

    Consumer = PlacedConsumer
