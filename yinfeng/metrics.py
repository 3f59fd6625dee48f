"""`/metrics`: what the database says at the moment of asking, in Prometheus's text format."""

from __future__ import annotations

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
    yield _counted("yinfeng_messages", "Messages", ["kind", "channel", "status"], overview.messages)
    by_reason = {(kind,): count for kind, count in overview.suppressions.items()}
    yield _counted("yinfeng_suppressions", "Addresses to which no mail goes", ["kind"], by_reason)
    yield _counted(
        "yinfeng_provider_events",
        "What providers told of messages in the last 30 days; `finding`: ours, unknown or foreign",
        ["event", "finding"],
        overview.provider_events,
    )
    progress = GaugeMetricFamily("yinfeng_target_progress", "Progress of a target", labels=["campaign", "target"])
    goal = GaugeMetricFamily("yinfeng_target_goal", "Goal of a target", labels=["campaign", "target"])
    for campaign, target, reached, wanted in overview.targets:
        progress.add_metric([campaign, target], float(reached))
        goal.add_metric([campaign, target], float(wanted))
    yield progress
    yield goal


def _counted(name: str, about: str, labels: list[str], counts: Mapping[Any, int]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, about, labels=labels)
    for values, count in sorted(counts.items()):
        family.add_metric(values, count)
    return family
