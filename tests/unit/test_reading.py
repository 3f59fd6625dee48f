"""Reading a log: where it goes on, what is cut from it, and that no bytes can stop it."""

from __future__ import annotations

from dataclasses import fields
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import ConsumerRecord
from aiokafka.record.default_records import _DefaultRecordBatchBuilderPy
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import InvalidFact
from schemas.facts import Fact
from storage.ledger.positions import Log
from streams.chunks import MOST_BATCHES, Chunk, by_subject, halves, records_of, spans_of
from streams.flow import Flow
from streams.intake import Incoming
from streams.placing import Placement, decide
from streams.raw_records import RawRecord, ReadableRecords, fault_of

LOG = Log("cluster", "yinfeng.facts", "first")


def record(offset: int) -> Any:
    return SimpleNamespace(
        topic="yinfeng.facts", partition=0, offset=offset, key=None, value=b"x", headers=(), checksum=None
    )


def message(offset: int) -> Incoming:
    return Incoming("yinfeng.facts", 0, offset, None, b"x", ())


@pytest.mark.parametrize(
    ("stored", "start", "end", "expected"),
    [
        (None, 0, 0, Placement({0: 0}, fresh={0: 0})),
        (None, 7, 9, Placement({0: 7}, fresh={0: 7})),
        (5, 0, 9, Placement({0: 5})),
        (9, 0, 9, Placement({0: 9})),
        (5, 7, 9, Placement({0: 7}, gaps={0: (5, 7)})),
        (9, 9, 9, Placement({0: 9})),
        (12, 0, 9, Placement({0: 9}, back={0: (12, 9)})),
    ],
)
def test_where_a_partition_is_read_on(stored: int | None, start: int, end: int, expected: Placement):
    assert decide({} if stored is None else {0: stored}, {0: start}, {0: end}) == expected


def test_a_record_has_what_those_of_aiokafka_have():
    assert RawRecord.__struct_fields__ == tuple(each.name for each in fields(ConsumerRecord))


def flow_at(offset: int, limit: int = 4, chunk_size: int = 2) -> Flow:
    flow = Flow(limit=limit, chunk_size=chunk_size)
    assert flow.place(LOG, {0: offset})
    return flow


def test_chunks_follow_one_another_over_offsets_that_hold_nothing():
    chunks = list(flow_at(5).cut({0: [record(n) for n in (5, 6, 9, 12, 13)]}))
    assert [(c.since, c.upto, len(c.records)) for c in chunks] == [(5, 7, 2), (7, 13, 2), (13, 14, 1)]
    assert spans_of(chunks) == {0: (5, 14)}


def test_of_much_that_was_read_a_batch_of_one_partition_comes_in_a_row():
    flow = Flow(limit=99, chunk_size=2, together=2)
    assert flow.place(LOG, {0: 0, 1: 0})
    chunks = list(flow.cut({0: [record(n) for n in range(7)], 1: [record(n) for n in range(3)]}))
    assert [(c.partition, c.since, c.upto) for c in chunks] == [
        (0, 0, 2),
        (0, 2, 4),
        (1, 0, 2),
        (1, 2, 3),
        (0, 4, 6),
        (0, 6, 7),
    ]


def test_a_full_flow_has_room_again_once_something_is_applied():
    flow = flow_at(0, limit=4)
    first, second = flow.cut({0: [record(n) for n in range(4)]})
    assert not flow.has_room
    flow.done(first)
    assert flow.has_room
    assert not flow.idle
    flow.done(second)
    assert flow.idle


def test_less_than_a_chunk_is_little():
    flow = flow_at(0, limit=9, chunk_size=2)
    chunks = list(flow.cut({0: [record(n) for n in range(3)]}))
    assert not flow.has_little
    flow.done(chunks[0])
    assert flow.has_little


def test_chunks_of_one_record_each_do_not_fill_it():
    flow = flow_at(0, limit=4)
    for offset in range(3):
        list(flow.cut({0: [record(offset)]}))
        assert flow.has_room


def test_what_was_read_before_a_restart_counts_for_nothing():
    flow = flow_at(0, limit=1)
    (old,) = flow.cut({0: [record(0)]})
    flow.restart()
    assert flow.unplaced({0, 1}) == {0, 1}
    flow.place(LOG, {0: 0})
    (new,) = flow.cut({0: [record(0)]})
    flow.done(old)
    assert old.epoch != new.epoch == flow.epoch
    assert not flow.has_room


def test_what_waits_is_applied_before_a_held_flow_is_placed_anew():
    flow = flow_at(0)
    (chunk,) = flow.cut({0: [record(0)]})
    flow.hold()
    assert not flow.has_room
    assert chunk.epoch == flow.epoch
    flow.done(chunk)
    assert chunk.epoch != flow.epoch


def test_partitions_are_never_read_from_two_makings_of_a_topic():
    flow = flow_at(0)
    assert not flow.place(Log("cluster", "yinfeng.facts", "second"), {1: 0})
    assert flow.unplaced({0, 1}) == {0, 1}


@st.composite
def batches(draw: st.DrawFn) -> list[Chunk]:
    chunks = []
    for partition in range(draw(st.integers(1, 3))):
        offset = draw(st.integers(0, 5))
        for _ in range(draw(st.integers(1, 3))):
            since, records = offset, []
            for _ in range(draw(st.integers(1, 4))):
                offset += draw(st.integers(0, 2))
                records.append(message(offset))
                offset += 1
            offset += draw(st.integers(0, 1))
            chunks.append(Chunk(partition, since, offset, tuple(records)))
    return [chunk for chunk in chunks if chunk.records]


@given(batches())
def test_two_halves_hold_what_the_whole_held_and_follow_one_another(chunks: list[Chunk]):
    first, second = halves(chunks)
    assert records_of(first) + records_of(second) == records_of(chunks)
    assert len(records_of(first)) - len(records_of(second)) in (0, 1)
    joined = spans_of(first)
    for partition, (since, upto) in spans_of(second).items():
        begun, ended = joined.get(partition, (since, since))
        assert ended == since
        joined[partition] = (begun, upto)
    assert joined == spans_of(chunks)


@given(batches(), st.data())
def test_what_is_about_campaigns_is_applied_apart_from_what_is_about_candidates(
    chunks: list[Chunk], data: st.DataObject
):
    for record in records_of(chunks):
        record.key = data.draw(st.sampled_from([b"c", b"c/1", None]))
    batches = by_subject(chunks)
    for partition in {chunk.partition for chunk in chunks}:
        own = [[chunk for chunk in batch if chunk.partition == partition] for batch in batches]
        assert [record for batch in own for record in records_of(batch)] == records_of(
            [chunk for chunk in chunks if chunk.partition == partition]
        )
        assert spans_of([chunk for batch in own for chunk in batch]).items() <= spans_of(chunks).items()
    assert len(batches) <= MOST_BATCHES
    if len(batches) > 1:
        assert all(len({record.key == b"c" for record in records_of(batch)}) == 1 for batch in batches)


def test_a_batch_in_which_both_alternate_often_stays_one():
    records = [message(offset) for offset in range(100)]
    for record in records:
        record.key = (b"c", b"c/1")[record.offset % 2]
    chunk = Chunk(0, 0, 100, tuple(records))
    assert by_subject([chunk]) == [[chunk]]


NAMES = st.one_of(
    st.text(), st.sampled_from(["content-type", "ce_specversion", "ce_id", "yinfeng_seq", "a\0b", "\udcff"])
)


@given(
    st.one_of(st.none(), st.binary()),
    st.one_of(st.none(), st.binary(), st.just(b'{"specversion": "1.0"}')),
    st.lists(st.tuples(NAMES, st.one_of(st.none(), st.binary(), st.just(b"1.0")))),
)
def test_any_record_is_a_fact_or_a_dead_letter(
    key: bytes | None, value: bytes | None, headers: list[tuple[str, bytes | None]]
):
    incoming = Incoming("yinfeng.facts", 0, 1, key, value, tuple(headers))
    found = incoming.read()
    assert isinstance(found, Fact | InvalidFact)
    assert incoming.seq is None or incoming.seq >= 0
    letter = incoming.dead(str(found))
    for text in [letter.reason, *letter.headers, *letter.headers.values()]:
        assert "\0" not in text
        text.encode()


def batch(count: int) -> bytes:
    builder = _DefaultRecordBatchBuilderPy(2, 0, 0, -1, -1, -1, 1 << 20)
    for offset in range(count):
        builder.append(offset, 1000, b"key", b"value", [("name", b"raw")])
    return bytes(builder.build())


def offsets_in(data: bytes) -> list[tuple[int, bool]]:
    records, found = ReadableRecords(data), []
    while records.has_next():
        found += [(each.offset, fault_of(each) is not None) for each in records.next_batch()]
    return found


def test_a_sound_batch_is_read_as_it_is():
    assert offsets_in(batch(3)) == [(0, False), (1, False), (2, False)]


def test_a_name_that_is_no_utf8_keeps_its_bytes():
    data = batch(2).replace(b"name", b"na\xff\xfe", 1)
    (first, second) = ReadableRecords(data).next_batch()
    assert [name.encode("utf-8", "surrogateescape") for name, _ in first.headers] == [b"na\xff\xfe"]
    assert [name for name, _ in second.headers] == ["name"]


@given(st.data())
def test_a_damaged_batch_is_read_to_its_end(data: st.DataObject):
    whole = bytearray(batch(4))
    for _ in range(data.draw(st.integers(1, 6))):
        whole[data.draw(st.integers(61, len(whole) - 1))] = data.draw(st.integers(0, 255))
    for offset, _ in (found := offsets_in(bytes(whole))):
        assert isinstance(offset, int)
    assert found


@pytest.mark.parametrize("codec", range(1, 8))
def test_a_batch_in_a_codec_that_it_is_not_is_one_dead_letter(codec: int):
    whole = bytearray(batch(4))
    whole[22] = codec
    assert offsets_in(bytes(whole)) == [(3, True)]
