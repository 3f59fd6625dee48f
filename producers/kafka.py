"""kafka-python's producer as Yinfeng uses it: idempotent, acks=all, its errors translated in this file."""

from __future__ import annotations

import socket
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from kafka import KafkaProducer
from kafka.errors import (
    CorruptRecordException,
    InvalidRecordError,
    KafkaError,
    MessageSizeTooLargeError,
    RecordListTooLargeError,
)

from schemas.errors import BrokerUnavailable
from schemas.kafka import KafkaAccess, access

LISTENS_WITHIN: Final = 3.0  # seconds, at each address
DELIVERY_TIMEOUT: Final = 20.0  # seconds
FLUSH_LONGER: Final = 2.0  # seconds: by then kafka-python has given up itself whatever is late
PARTITIONS_SEEN: Final = 15.0  # seconds until partitions that are added are used
LARGEST_REQUEST: Final = 64 * 1024 * 1024  # bytes: what a record may have is for its topic to say

# What a broker says of a record that it will never take, however often it is sent.
_FOR_GOOD: Final = (MessageSizeTooLargeError, RecordListTooLargeError, InvalidRecordError, CorruptRecordException)


@dataclass(frozen=True, slots=True)
class KafkaRecord:
    """What goes into one Kafka message."""

    key: str
    value: bytes
    headers: tuple[tuple[str, bytes], ...] = ()


@dataclass(frozen=True, slots=True)
class Delivery:
    """Where a record lies, or why it was not delivered. `for_good`: it never will be, however often it is sent; what
    was sent beside it may say so too, since a producer that was refused gives up all that it holds."""

    partition: int = -1
    offset: int = -1
    error: str | None = None
    for_good: bool = False


def require_answer(kafka: str | KafkaAccess) -> None:
    """Raise BrokerUnavailable at once when nobody listens at any of the addresses.

    kafka-python would try for half a minute, and leave the sockets of refused connections open.
    """
    for address in access(kafka).servers:
        host, _, port = address.rpartition(":")
        with suppress(OSError):
            socket.create_connection((host.strip("[] "), int(port)), timeout=LISTENS_WITHIN).close()
            return
    raise BrokerUnavailable(f"Kafka at {kafka} does not answer: nobody listens there")


class Producer:
    """One connection to Kafka. After a failed delivery close it and open another: an idempotent producer
    that lost its broker can't go on."""

    def __init__(self, kafka: str | KafkaAccess, *, name: str) -> None:
        require_answer(kafka)
        try:
            self._producer = KafkaProducer(
                bootstrap_servers=access(kafka).servers,
                **access(kafka).security.options(),
                client_id=f"yinfeng-{name}",
                acks="all",
                enable_idempotence=True,
                linger_ms=5,
                batch_size=256 * 1024,
                max_request_size=LARGEST_REQUEST,
                max_block_ms=int(DELIVERY_TIMEOUT * 1000),
                request_timeout_ms=int(DELIVERY_TIMEOUT * 500),
                delivery_timeout_ms=int(DELIVERY_TIMEOUT * 1000),
                metadata_max_age_ms=int(PARTITIONS_SEEN * 1000),
            )
        except (KafkaError, OSError) as error:
            raise BrokerUnavailable(f"Kafka at {kafka} does not answer: {error}") from error

    def deliver(self, topic: str, records: Sequence[KafkaRecord]) -> list[Delivery]:
        """Send records, in order per key, and wait for each to be acknowledged. Never raises for a record:
        the answer has one Delivery for each."""
        sent = self._send_all(topic, records)
        self._flush()
        waiting = time.monotonic() + 1
        outcomes = [_outcome(future, waiting - time.monotonic()) for future in sent]
        return outcomes + [_failure(sent[-1])] * (len(records) - len(outcomes))

    def close(self) -> None:
        """Let go of the connection; nothing is waited for, and what was not delivered is given up."""
        try:
            self._producer.close(timeout=0)
        except KafkaError:
            # It gave up closing since it holds records still, and would go on sending them.
            self._producer._sender.force_close()

    def _send_all(self, topic: str, records: Sequence[KafkaRecord]) -> list[Any]:
        """The future of each record, or its error. Whoever could not be sent in time is the last one: each other would
        wait as long, and might overtake it."""
        sent: list[Any] = []
        for record in records:
            sent.append(self._send(topic, record))
            if isinstance(sent[-1], Exception) and not isinstance(sent[-1], _FOR_GOOD):
                break
        return sent

    def _send(self, topic: str, record: KafkaRecord) -> Any:
        try:
            return self._producer.send(topic, key=record.key.encode(), value=record.value, headers=list(record.headers))
        except (KafkaError, OSError) as error:
            return error

    def _flush(self) -> None:
        try:
            self._producer.flush(timeout=DELIVERY_TIMEOUT + FLUSH_LONGER)
        except (KafkaError, OSError):
            return  # each future tells for itself


def _outcome(future: Any, patience: float) -> Delivery:
    if isinstance(future, Exception):
        return _failure(future)
    try:
        placed = future.get(timeout=max(patience, 0.0))
    except (KafkaError, OSError) as error:
        return _failure(error)
    return Delivery(placed.partition, placed.offset)


def _failure(error: Exception) -> Delivery:
    return Delivery(error=f"{type(error).__name__}: {error}", for_good=isinstance(error, _FOR_GOOD))
