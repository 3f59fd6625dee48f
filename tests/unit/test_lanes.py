"""Lanes: what waits is taken at once and in order, each partition in one lane; what ends a lane is told."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from schemas.errors import Fenced
from storage.ledger.positions import Log
from streams.apply import Applied
from streams.chunks import Chunk
from streams.flow import Flow
from streams.lanes import Lanes, Queues

AT = Log("cluster", "facts", "id")


class Recording:
    """Notes what it is to apply, and waits until it may go on."""

    def __init__(self, error: Exception | None = None) -> None:
        self.batches: list[list[int]] = []
        self.may_go_on = asyncio.Semaphore(0)
        self._error = error

    async def apply(self, at: Log, chunks: Sequence[Chunk]) -> Applied:
        self.batches.append([chunk.since for chunk in chunks])
        await self.may_go_on.acquire()
        if self._error:
            raise self._error
        return Applied(facts=len(chunks))


class Tasks:
    """What the lanes ask of an app."""

    def __init__(self) -> None:
        self.wanted: list[Any] = []

    def task(self, wanted: Any) -> None:
        self.wanted.append(wanted)


def reading() -> Flow:
    flow = Flow(limit=100, chunk_size=1)
    assert flow.place(AT, dict.fromkeys(range(4), 0))
    return flow


def chunks(flow: Flow, partition: int, count: int) -> list[Chunk]:
    records = [record(partition, offset) for offset in range(count)]
    return list(flow.cut({partition: records}))


def record(partition: int, offset: int) -> Any:
    return SimpleNamespace(
        topic="facts", partition=partition, offset=offset, key=b"", value=b"{}", headers=(), checksum=None
    )


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def run(flow: Flow, appliers: list[Recording], put: list[Chunk]) -> tuple[list[Applied], list[Exception], Lanes]:
    lanes, app, told, ended = Lanes(flow, appliers, most=3), Tasks(), list[Applied](), list[Exception]()

    async def end(error: Exception) -> None:
        ended.append(error)

    lanes.attach(app, told.append, end)
    running = [asyncio.ensure_future(wanted()) for wanted in app.wanted]
    await settle()
    for chunk in put:
        lanes.put(chunk)
        await settle()
    assert not running[0].done()
    return told, ended, lanes


async def test_one_alone_goes_at_once_and_what_came_meanwhile_goes_together():
    flow, applier = reading(), Recording()
    told, _, lanes = await run(flow, [applier], chunks(flow, 0, 6))
    assert applier.batches == [[0]]
    applier.may_go_on.release()
    await settle()
    assert applier.batches == [[0], [1, 2, 3]]
    assert [applied.facts for applied in told] == [1]
    assert not flow.idle
    for _ in range(3):
        applier.may_go_on.release()
    await settle()
    assert applier.batches == [[0], [1, 2, 3], [4, 5]]
    assert flow.idle
    assert flow.untold(0) == 6
    await lanes.stop()


async def test_where_few_facts_come_one_lane_takes_them_all():
    flow, first, second = reading(), Recording(), Recording()
    put = [chunk for partition in range(4) for chunk in chunks(flow, partition, 1)]
    _, _, lanes = await run(flow, [first, second], put)
    first.may_go_on.release()
    await settle()
    assert (sum(map(len, first.batches)), second.batches) == (4, [])
    await lanes.stop()


async def test_where_many_come_a_free_lane_takes_what_waits_longest_of_a_partition_that_no_other_is_at(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr("streams.lanes.FEW", 1)
    flow, first, second = reading(), Recording(), Recording()
    put = [chunk for partition in range(3) for chunk in chunks(flow, partition, 5)]
    _, _, lanes = await run(flow, [first, second], put)
    assert (first.batches, second.batches) == ([[0]], [[0]])
    for _ in range(3):
        second.may_go_on.release()
        await settle()
    of_the_second_then_the_third = [[0], [1, 2, 3], [4], [0, 1, 2]]
    assert (first.batches, second.batches) == ([[0]], of_the_second_then_the_third)
    for applier in (first, second) * 3:
        applier.may_go_on.release()
        await settle()
    assert flow.idle
    assert [flow.untold(partition) for partition in range(3)] == [5, 5, 5]
    await lanes.stop()


async def test_what_holds_up_a_lane_holds_up_no_partition_that_comes_later(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("streams.lanes.LONG", 0.0)
    flow, first, second = reading(), Recording(), Recording()
    put = [chunk for partition in range(2) for chunk in chunks(flow, partition, 1)]
    _, _, lanes = await run(flow, [first, second], put)
    assert (len(first.batches), len(second.batches)) == (1, 1)
    second.may_go_on.release()
    await settle()
    assert flow.untold(1) == 1
    await lanes.stop()


async def test_what_waits_for_a_lane_goes_to_another_once_that_is_held_up():
    flow, first, second = reading(), Recording(), Recording()
    put = [chunk for partition in range(2) for chunk in chunks(flow, partition, 1)]
    _, _, lanes = await run(flow, [first, second], put)
    assert (len(first.batches), len(second.batches)) == (1, 0)
    async with asyncio.timeout(10):
        while not second.batches:
            await asyncio.sleep(0.01)
    await lanes.stop()


async def test_much_of_two_partitions_is_for_two_lanes_and_little_of_many_for_one(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("streams.lanes.FEW", 2)
    flow, queues = reading(), Queues()
    for partition, count in ((0, 2), (1, 3), (2, 1), (3, 1)):
        for chunk in chunks(flow, partition, count):
            queues.put(chunk)
    taken = [{chunk.partition for chunk in queues.take(10)} for _ in range(4)]
    assert taken == [{0}, {1}, {2, 3}, set()]


async def test_what_waits_behind_a_lane_that_is_held_up_spreads_few_facts_over_no_lanes(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr("streams.lanes.FEW", 3)
    flow, queues = reading(), Queues()
    for chunk in chunks(flow, 0, 5):
        queues.put(chunk)
    assert len(queues.take(2)) == 2
    assert queues.records == 0
    queues.put_back({0})
    assert queues.records == 3


async def test_what_is_fenced_off_is_read_again_and_what_was_read_before_is_dropped():
    flow, applier = reading(), Recording(Fenced("moved on"))
    put = chunks(flow, 0, 2)
    epoch = flow.epoch
    _, ended, lanes = await run(flow, [applier], put)
    applier.may_go_on.release()
    await settle()
    assert flow.epoch == epoch + 1
    assert applier.batches == [[0]]
    assert ended == []
    assert flow.untold(0) is None
    await lanes.stop()


@pytest.mark.parametrize("error", [MemoryError(), OSError("no disk"), KeyError("a mistake")])
async def test_an_error_that_no_record_led_to_ends_the_process(error: Exception):
    flow, applier = reading(), Recording(error)
    _, ended, lanes = await run(flow, [applier], chunks(flow, 0, 1))
    applier.may_go_on.release()
    await settle()
    assert ended == [error]
    await lanes.stop()


async def test_what_is_being_applied_when_it_stops_is_given_up():
    flow, applier = reading(), Recording()
    told, ended, lanes = await run(flow, [applier], chunks(flow, 0, 2))
    await lanes.stop()
    applier.may_go_on.release()
    await settle()
    assert (applier.batches, told, ended) == ([[0]], [], [])
