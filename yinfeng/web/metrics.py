"""`/metrics`: what the database says at the moment of asking, in Prometheus's text format."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from storage.overview import Overview


def render(overview: Overview) -> bytes:
    """The metrics of an overview. Names and meanings are in `_families`."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Snapshot(overview))
    return generate_latest(registry)


class _Snapshot(Collector):
    def __init__(self, overview: Overview) -> None:
        self._overview = overview

    def collect(self) -> Iterator[GaugeMetricFamily]:
        return _families(self._overview)


def _families(overview: Overview) -> Iterator[GaugeMetricFamily]:
    yield GaugeMetricFamily("yinfeng_facts", "Facts in the ledger (estimated)", overview.facts)
    yield GaugeMetricFamily("yinfeng_facts_unapplied", "Facts accepted and not applied yet", overview.unapplied)
    yield GaugeMetricFamily("yinfeng_facts_unapplied_age_seconds", "Age of the oldest of these", overview.unapplied_age)
    yield GaugeMetricFamily("yinfeng_dead_letters", "Messages that could not be used", overview.dead_letters)
    yield from _messages(overview)
    yield from _positions(overview)
    yield from _workers(overview)
    yield from _database(overview)
    yield from _targets(overview)


def _messages(overview: Overview) -> Iterator[GaugeMetricFamily]:
    """Messages, and what becomes of them outside."""
    yield _counted("yinfeng_messages", "Messages", ["kind", "channel", "status"], overview.messages)
    yield GaugeMetricFamily(
        "yinfeng_messages_counted_seconds", "Since messages were counted last", overview.messages_age
    )
    rests = {(channel,): seconds for channel, seconds in overview.resting.items()}
    yield _counted("yinfeng_channel_rest_seconds", "Since when a channel of messages rests", ["channel"], rests)
    read = {(each.mailbox,): each.age for each in overview.mailboxes if each.age is not None}
    yield _counted("yinfeng_reports_read_seconds", "Since a mailbox for reports was last read", ["mailbox"], read)
    by_reason = {(kind,): count for kind, count in overview.suppressions.items()}
    yield _counted("yinfeng_suppressions", "Addresses to which no mail goes", ["kind"], by_reason)
    yield _counted(
        "yinfeng_provider_events",
        "What providers told of messages in the last 30 days; `finding`: ours, unknown or foreign",
        ["event", "finding"],
        overview.provider_events,
    )


def _positions(overview: Overview) -> Iterator[GaugeMetricFamily]:
    """What is applied of the log, and what it lost."""
    yield GaugeMetricFamily(
        "yinfeng_gaps", "Times that the log dropped records before they were read", overview.gaps[0]
    )
    yield GaugeMetricFamily("yinfeng_gap_records", "Records that were dropped so", overview.gaps[1])
    offset = GaugeMetricFamily("yinfeng_position", "The next offset to apply", labels=["partition"])
    moved = GaugeMetricFamily("yinfeng_position_age_seconds", "Seconds since the last commit", labels=["partition"])
    for partition, next_offset, age in overview.positions:
        offset.add_metric([str(partition)], next_offset)
        moved.add_metric([str(partition)], age)
    yield offset
    yield moved


def _workers(overview: Overview) -> Iterator[GaugeMetricFamily]:
    for name, about, values in (
        ("applied_facts", "Facts that a worker applied since it started", [each.facts for each in overview.workers]),
        ("conflicts", "Its conflicts with other workers", [each.conflicts for each in overview.workers]),
        ("outages", "Its outages of Postgres", [each.outages for each in overview.workers]),
        (
            "lost_senders",
            "Its senders of mails that were no use any more",
            [each.lost_senders for each in overview.workers],
        ),
        ("age_seconds", "Seconds since it last spoke", [each.age for each in overview.workers]),
    ):
        family = GaugeMetricFamily(f"yinfeng_worker_{name}", about, labels=["worker"])
        for worker, value in zip(overview.workers, values, strict=True):
            family.add_metric([worker.holder], value)
        yield family
    committed = {(each.holder,): each.committed for each in overview.workers if each.committed is not None}
    yield _counted("yinfeng_worker_last_commit_seconds", "Seconds since its last commit", ["worker"], committed)
    yield from _repeats(overview)


def _database(overview: Overview) -> Iterator[GaugeMetricFamily]:
    yield GaugeMetricFamily("yinfeng_connections", "Connections to the database", overview.connections)
    yield GaugeMetricFamily(
        "yinfeng_oldest_snapshot_transactions", "Transactions since the oldest snapshot", overview.oldest_snapshot
    )
    yield GaugeMetricFamily(
        "yinfeng_notification_queue", "Share of Postgres' notification queue in use", overview.notification_queue
    )
    if overview.last_published is not None:
        yield GaugeMetricFamily(
            "yinfeng_last_published_seconds",
            "Seconds since a relay last had a fact published",
            overview.last_published,
        )


def _targets(overview: Overview) -> Iterator[GaugeMetricFamily]:
    progress = GaugeMetricFamily("yinfeng_target_progress", "Progress of a target", labels=["campaign", "target"])
    goal = GaugeMetricFamily("yinfeng_target_goal", "Goal of a target", labels=["campaign", "target"])
    for campaign, target, reached, wanted in overview.targets:
        progress.add_metric([campaign, target], float(reached))
        goal.add_metric([campaign, target], float(wanted))
    yield progress
    yield goal


def _repeats(overview: Overview) -> Iterator[GaugeMetricFamily]:
    """What workers that speak had to try again, by partition."""
    conflicts: Counter[tuple[str]] = Counter()
    outages: Counter[tuple[str]] = Counter()
    for worker in overview.workers:
        for partition, in_conflict, away in worker.repeats:
            conflicts[str(partition),] += in_conflict
            outages[str(partition),] += away
    labels = ["partition"]
    yield _counted("yinfeng_partition_conflicts", "Batches tried again after a conflict", labels, conflicts)
    yield _counted("yinfeng_partition_retries", "Batches tried again after an outage of Postgres", labels, outages)


def _counted(name: str, about: str, labels: list[str], counts: Mapping[Any, float]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, about, labels=labels)
    for values, count in sorted(counts.items()):
        family.add_metric(values, count)
    return family
