"""The servers that are ours to start: those that the settings do not name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from schemas.settings import Settings
from yinfeng.child_spec import ChildSpec
from yinfeng.embedded.apache import EmbeddedKafka
from yinfeng.embedded.broker import EmbeddedBroker
from yinfeng.embedded.postgres import EmbeddedPostgres

MakeBroker = Callable[[Path], EmbeddedBroker | EmbeddedKafka]  # of a home


def own_servers(
    settings: Settings, make_broker: MakeBroker, say: Callable[[str], None]
) -> tuple[Settings, list[ChildSpec], dict[str, str]]:
    """Settings that name both servers, the servers that are ours to start, and where these will answer."""
    ours: dict[str, str] = {}
    specs = []
    if settings.database_url is None:
        postgres = EmbeddedPostgres(settings.home, say)
        specs.append(postgres.spec())
        ours["database_url"] = postgres.url
    changes: dict[str, object] = {}
    if settings.kafka is None:
        broker = make_broker(settings.home)
        specs.append(broker.spec())
        ours["kafka"] = broker.address
        if "group_session_timeout" not in settings.model_fields_set:
            changes["group_session_timeout"] = broker.GROUP_SESSION
    return settings.model_copy(update={**ours, **changes}), specs, ours
