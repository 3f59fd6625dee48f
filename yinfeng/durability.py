"""What a 202 is worth on these servers, and an acknowledgement of Kafka's: read from their settings, said in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import psycopg
from kafka.admin import ConfigResource, ConfigResourceType

from schemas.errors import DatabaseUnavailable
from schemas.kafka import KafkaAccess
from schemas.topics import FACTS
from yinfeng.kafka_admin import kafka_admin

_ASKED: Final = ("fsync", "full_page_writes", "synchronous_commit", "synchronous_standby_names")
_STANDBYS: Final = "SELECT count(*) FROM pg_stat_replication WHERE sync_state IN ('sync', 'quorum')"


@dataclass(frozen=True, slots=True)
class Database:
    """Settings as our own session has them; `standbys` are those that take part in a commit now."""

    fsync: str
    full_page_writes: str
    synchronous_commit: str
    synchronous_standby_names: str
    standbys: int = 0


@dataclass(frozen=True, slots=True)
class ReplicatedTopic:
    """The facts' topic: copies of each partition, and how many must have a record before it is acknowledged."""

    copies: int
    in_sync: int


def what_202_is_worth(database: Database) -> list[str]:
    """Lines about an accepted fact, the warnings first."""
    said = []
    if database.fsync != "on" or database.full_page_writes != "on":
        said.append(
            "WARNING: fsync or full_page_writes is off: a power cut may take accepted facts, or the whole database."
            " Switch both on."
        )
    if database.synchronous_commit == "off":
        said.append(
            "WARNING: synchronous_commit is off: a crash takes accepted facts of the last moments."
            " Switch it on for this database or role."
        )
    elif not database.synchronous_standby_names:
        said.append("A 202 means: on this server's disk. If its disk is lost, so is what no back-up has.")
    elif not database.standbys:
        said.append("WARNING: synchronous_standby_names is set, but no standby takes part: commits wait for one.")
    elif database.synchronous_commit == "local":
        said.append("A 202 means: on this server's disk alone, since synchronous_commit is local for us.")
    else:
        said.append(f"A 202 means: on this server's disk and at {database.standbys} standby servers.")
    return said


def what_kafka_is_worth(topic: ReplicatedTopic) -> list[str]:
    """Lines about a fact that was posted straight to Kafka and acknowledged."""
    if topic.copies < 2:
        return ["A fact posted straight to Kafka lies on one broker until it is applied: with its disk it is gone."]
    if topic.in_sync < 2:
        return [f"WARNING: Kafka keeps {topic.copies} copies, but acknowledges with one: set min.insync.replicas=2."]
    return [f"A fact posted straight to Kafka is acknowledged once {topic.in_sync} of {topic.copies} brokers have it."]


def read_database(url: str) -> Database:
    """The settings of a session like ours. Raises DatabaseUnavailable."""
    try:
        with psycopg.connect(url, connect_timeout=5) as connection:
            rows = {name: connection.execute(f"SHOW {name}").fetchone() for name in _ASKED}
            standbys = connection.execute(_STANDBYS).fetchone()
    except psycopg.Error as error:
        raise DatabaseUnavailable(f"Postgres does not answer as it should: {error}") from error
    return Database(**{name: str(row[0]) for name, row in rows.items() if row}, standbys=_count(standbys))


def _count(row: tuple[int, ...] | None) -> int:
    return row[0] if row else 0


def read_topic(kafka: str | KafkaAccess) -> ReplicatedTopic:
    """The facts' topic. Raises BrokerUnavailable."""
    with kafka_admin(kafka) as admin:
        (topic,) = admin.describe_topics([FACTS])
        copies = min((len(each["replica_nodes"]) for each in topic["partitions"]), default=1)
        asked = [ConfigResource(ConfigResourceType.TOPIC, FACTS)]
        told: dict[str, Any] = admin.describe_configs(asked, config_filter="all")
    values = [topics[FACTS].get("min.insync.replicas", {}).get("value") for topics in told.values() if FACTS in topics]
    return ReplicatedTopic(copies, int(values[0]) if values and values[0] else 1)
