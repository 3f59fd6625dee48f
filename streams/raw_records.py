"""Kafka's batches read so that no bytes in them can stop the reader.

aiokafka raises where a header's name is no UTF-8, a record's lengths make no sense or a codec is not known, and
would raise again at every start. Here such a batch is read once more, record by record and without trust: names keep
their odd bytes (`surrogateescape`), and what can't be read is given as one record with its raw bytes as the value
(`fault_of` says why). A wrong checksum still raises: that is the line or the disk, and reading again may help.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from aiokafka.consumer import fetcher
from aiokafka.errors import CorruptRecordException
from aiokafka.record.default_records import DefaultRecordBatch, _DefaultRecordBatchPy, _DefaultRecordPy
from aiokafka.record.legacy_records import LegacyRecordBatch
from aiokafka.record.util import decode_varint

_HEAD: Final = struct.Struct(">qi")  # offset and length, before each batch of any version
_MAGIC_AT: Final = 16


class RawRecord(msgspec.Struct, gc=False):
    """A record as aiokafka hands it on, without the dictionary that each of its own has. Its fields are those of
    aiokafka.ConsumerRecord, in their order."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    timestamp_type: int
    key: bytes | None
    value: bytes | None
    checksum: int | str | None
    serialized_key_size: int
    serialized_value_size: int
    headers: tuple[tuple[str, bytes | None], ...]


@dataclass(frozen=True, slots=True)
class Unreadable:
    """What stands where a record can't be read. aiokafka hands a record's `checksum` on as it is (a number, or None in
    this version of the format): here it is the reason, as text."""

    offset: int
    value: bytes
    checksum: str
    timestamp: int = -1
    timestamp_type: int = 0
    key: bytes | None = None
    headers: tuple[tuple[str, bytes | None], ...] = ()


def fault_of(record: Any) -> str | None:
    """Why a consumed record could not be read; None when it could."""
    return record.checksum if isinstance(record.checksum, str) else None


class TrustlessBatch(_DefaultRecordBatchPy):  # type: ignore[misc]
    """A batch of version 2 whose headers' names may be any bytes."""

    _pos: int

    def _read_msg(self, decode_varint: Any = decode_varint) -> Any:
        buffer = self._buffer
        length, start = decode_varint(buffer, self._pos)
        delta, pos = decode_varint(buffer, decode_varint(buffer, start)[1])
        offset_delta, pos = decode_varint(buffer, pos)
        key, pos = _bytes(buffer, pos)
        value, pos = _bytes(buffer, pos)
        count, pos = decode_varint(buffer, pos)
        headers = []
        for _ in range(count):
            name, pos = _bytes(buffer, pos)
            raw, pos = _bytes(buffer, pos)
            headers.append(((name or b"").decode("utf-8", "surrogateescape"), raw))
        if pos - start != length:
            raise CorruptRecordException(f"a record of {length} bytes holds {pos - start}")
        self._pos = pos
        stamp = self.max_timestamp if self.timestamp_type else self.first_timestamp + delta
        return _DefaultRecordPy(self.base_offset + offset_delta, stamp, self.timestamp_type, key, value, headers)


class ReadableBatch:
    """A batch that aiokafka reads if it can, and we if it can't."""

    def __init__(self, raw: bytes) -> None:
        self._raw = raw
        self._magic = raw[_MAGIC_AT] if len(raw) > _MAGIC_AT else 0
        self._batch = DefaultRecordBatch(raw) if self._magic >= 2 else LegacyRecordBatch(raw, self._magic)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._batch, name)

    def __iter__(self) -> Iterator[Any]:
        try:
            return iter(list(self._batch))
        except MemoryError:
            raise
        except Exception as error:  # a codec's own, Unicode's, aiokafka's: whatever these bytes lead to
            if self._magic >= 2:
                return _without_trust(self._raw)
            return iter([Unreadable(self._batch.next_offset - 1, self._raw, _reason(error))])


class ReadableRecords:
    """The batches in what a broker sent, as aiokafka's MemoryRecords gives them."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = bytes(data), 0

    def size_in_bytes(self) -> int:
        """How many bytes the broker sent."""
        return len(self._data)

    def has_next(self) -> bool:
        """Whether another batch lies there whole."""
        return self._end() <= len(self._data)

    def next_batch(self) -> Any:
        """The next batch."""
        start, self._at = self._at, self._end()
        return ReadableBatch(self._data[start : self._at])

    def _end(self) -> int:
        """Where the next batch ends; beyond the data when there is none that is whole."""
        if self._at + _HEAD.size > len(self._data):
            return len(self._data) + 1
        length = int(_HEAD.unpack_from(self._data, self._at)[1])
        return self._at + _HEAD.size + length if length > 0 else len(self._data) + 1


def install() -> None:
    """Let this process's aiokafka read so."""
    fetcher.MemoryRecords, fetcher.ConsumerRecord = ReadableRecords, RawRecord


def _without_trust(raw: bytes) -> Iterator[Any]:
    batch = TrustlessBatch(raw)
    following = batch.base_offset
    try:
        for record in batch:
            following = record.offset + 1
            yield record
    except MemoryError:
        raise
    except Exception as error:
        if following < batch.next_offset:
            yield Unreadable(batch.next_offset - 1, raw, _reason(error))


def _reason(error: Exception) -> str:
    return f"these bytes can't be read as Kafka's records: {error}"


def _bytes(buffer: bytearray, pos: int) -> tuple[bytes | None, int]:
    length, pos = decode_varint(buffer, pos)
    if length < 0:
        return None, pos
    if pos + length > len(buffer):
        raise CorruptRecordException(f"{length} bytes are announced, {len(buffer) - pos} are left")
    return bytes(buffer[pos : pos + length]), pos + length
