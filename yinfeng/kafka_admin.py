"""Kafka as an administrator sees it: our topics made, and whether anybody answers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from kafka.admin import KafkaAdminClient, NewTopic
from kafka.errors import KafkaError, TopicAlreadyExistsError

from producers.kafka import require_answer
from schemas.errors import BrokerUnavailable, ConfigurationError
from schemas.topics import FACTS, TOPICS
from storage.positions import Log


def create_topics(bootstrap: str, *, exact: bool = False) -> None:
    """Create the topics of `schemas.topics` that are missing; one that exists is left as it is.

    With `exact`, raises ConfigurationError when one has another number of partitions than we would give it.
    Raises BrokerUnavailable when the broker does not answer.
    """
    with kafka_admin(bootstrap) as admin:
        for name, (partitions, configs) in TOPICS.items():
            try:
                admin.create_topics([NewTopic(name, partitions, topic_configs=configs)])
            except TopicAlreadyExistsError:
                continue
        # A KRaft broker accepts a topic before its metadata shows it.
        admin.wait_for_topics(list(TOPICS))
        if exact:
            _check_partitions(admin)


def facts_log(bootstrap: str) -> Log:
    """Which log the facts' topic is now: cluster, topic and the id that the broker gave it when it was made.

    Brokers before 2.8 give no ids: then a topic made anew is told by its end alone. Raises BrokerUnavailable when the
    broker does not answer or has no such topic as yet.
    """
    with kafka_admin(bootstrap) as admin:
        cluster = admin.describe_cluster().get("cluster_id") or ""
        for topic in admin.describe_topics([FACTS]):
            if not topic["error_code"]:
                return Log(cluster, FACTS, str(topic.get("topic_id") or ""))
    raise BrokerUnavailable(f"Kafka at {bootstrap} has no topic {FACTS} as yet")


def _check_partitions(admin: KafkaAdminClient) -> None:
    for topic in admin.describe_topics(list(TOPICS)):
        wanted, found = TOPICS[topic["name"]][0], len(topic["partitions"])
        if found != wanted:
            raise ConfigurationError(f"Topic {topic['name']} has {found} partitions instead of {wanted}")


@contextmanager
def kafka_admin(bootstrap: str) -> Iterator[KafkaAdminClient]:
    """An admin client, closed at the end. Raises BrokerUnavailable when the broker does not answer."""
    require_answer(bootstrap)
    try:
        admin = KafkaAdminClient(
            bootstrap_servers=bootstrap.split(","), request_timeout_ms=10_000, client_id="yinfeng-admin"
        )
        try:
            yield admin
        finally:
            admin.close()
    except (KafkaError, OSError) as error:
        raise BrokerUnavailable(f"Kafka at {bootstrap} does not answer: {error}") from error
