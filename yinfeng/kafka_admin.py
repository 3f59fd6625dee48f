"""Kafka as an administrator sees it: our topics made, and whether anybody answers."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient, NewTopic
from kafka.errors import KafkaError, TopicAlreadyExistsError

from producers.kafka import require_answer
from producers.publishing import Topic
from schemas.errors import BrokerUnavailable, ConfigurationError
from schemas.kafka import KafkaAccess, access
from schemas.topics import FACTS, TOPICS, Topics
from storage.ledger.positions import Log

# An ApiVersions request of version 0, by correlation 1 of a client without a name.
_API_VERSIONS: Final = struct.pack(">ihhih", 10, 18, 0, 1, -1)
TRIES: Final = 20
PATIENCE: Final = 10.0  # seconds for one answer
# Of who asks for a topic: four answers, one after another, come to less than what a process may take without a pulse
# (yinfeng.pulse.STILL_AFTER), also where a broker that only begins takes long over each.
LESS_PATIENCE: Final = 6.0
_LARGEST: Final = "max.message.bytes"


def create_topics(bootstrap: str | KafkaAccess) -> None:
    """Create the topics of `schemas.topics` that are missing; one that exists is left as it is.

    Raises BrokerUnavailable when the broker does not answer.
    """
    with kafka_admin(bootstrap) as admin:
        _create(admin, TOPICS)


def create_topics_first(bootstrap: str | KafkaAccess, topics: Topics = TOPICS) -> None:
    """The same on a broker that began empty, where a client may have been quicker and had a topic made in another
    shape: that one is made anew. What it held is lost, as all is that a broker held which begins empty.

    Raises ConfigurationError when clients are quicker time and again.
    """
    with kafka_admin(bootstrap) as admin:
        for _ in range(TRIES):
            _create(admin, topics)
            if not (wrong := _misshapen(admin, topics)):
                return
            admin.delete_topics(list(wrong))
    raise ConfigurationError("; ".join(f"topic {name} has {found} partitions" for name, found in wrong.items()))


def _create(admin: KafkaAdminClient, topics: Topics) -> None:
    for name, (partitions, configs) in topics.items():
        try:
            admin.create_topics([NewTopic(name, partitions, topic_configs=configs)])
        except TopicAlreadyExistsError:
            continue
    # A KRaft broker accepts a topic before its metadata shows it.
    admin.wait_for_topics(list(topics))


def facts_log(bootstrap: str | KafkaAccess) -> Log:
    """Which log the facts' topic is now: cluster, topic and the id that the broker gave it when it was made.

    Brokers before 2.8 give no ids: then a topic made anew is told by its end alone. Raises BrokerUnavailable when the
    broker does not answer or has no such topic as yet.
    """
    with kafka_admin(bootstrap, patience=LESS_PATIENCE) as admin:
        return _log(admin, bootstrap)


def facts_topic(bootstrap: str | KafkaAccess) -> Topic:
    """The same, with the largest record that the topic takes: its own limit, else its broker's.

    A broker that does not tell (Tansu) is one that we made the topic on.
    """
    with kafka_admin(bootstrap, patience=LESS_PATIENCE) as admin:
        return Topic(_log(admin, bootstrap), _largest_record(admin))


def _log(admin: KafkaAdminClient, bootstrap: str | KafkaAccess) -> Log:
    cluster = admin.describe_cluster().get("cluster_id") or ""
    for topic in admin.describe_topics([FACTS]):
        if not topic["error_code"]:
            return Log(cluster, FACTS, str(topic.get("topic_id") or ""))
    raise BrokerUnavailable(f"Kafka at {bootstrap} has no topic {FACTS} as yet")


def _largest_record(admin: KafkaAdminClient) -> int:
    asked = ConfigResource(ConfigResourceType.TOPIC, FACTS)  # all of it: Tansu hangs up when asked for one key
    for topics in admin.describe_configs([asked], config_filter="all").values():
        value = topics.get(FACTS, {}).get(_LARGEST, {}).get("value")
        if value is not None:
            return int(value)
    return int(TOPICS[FACTS][1][_LARGEST])


def answers(bootstrap: str | KafkaAccess, *, within: float) -> bool:
    """Whether a broker says what versions it speaks, within so many seconds."""
    known = access(bootstrap)
    host, _, port = known.servers[0].rpartition(":")
    with suppress(OSError), socket.create_connection((host.strip("[]"), int(port)), timeout=within) as bare:
        bare.settimeout(within)
        context = known.security.ssl_context()
        with context.wrap_socket(bare, server_hostname=host.strip("[]")) if context else bare as line:
            line.sendall(_API_VERSIONS)
            return bool(line.recv(1))
    return False


def _misshapen(admin: KafkaAdminClient, topics: Topics) -> dict[str, int]:
    """The topics with another number of partitions than we give them, and that number."""
    found = {topic["name"]: len(topic["partitions"]) for topic in admin.describe_topics(list(topics))}
    return {name: count for name, count in found.items() if count != topics[name][0]}


@contextmanager
def kafka_admin(bootstrap: str | KafkaAccess, *, patience: float = PATIENCE) -> Iterator[KafkaAdminClient]:
    """An admin client, closed at the end. Raises BrokerUnavailable when the broker does not answer; within so many
    seconds each time it is asked."""
    require_answer(bootstrap)
    try:
        admin = KafkaAdminClient(
            bootstrap_servers=access(bootstrap).servers,
            request_timeout_ms=int(patience * 1000),
            bootstrap_timeout_ms=int(patience * 1000),
            client_id="yinfeng-admin",
            **access(bootstrap).security.options(),
        )
        try:
            yield admin
        finally:
            admin.close()
    except (KafkaError, OSError) as error:
        raise BrokerUnavailable(f"Kafka at {bootstrap} does not answer: {error}") from error
