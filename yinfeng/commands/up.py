"""`yinfeng up`: the whole platform here."""

from __future__ import annotations

import asyncio
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console

from schemas.errors import ConfigurationError
from schemas.settings import Settings
from storage.revision import is_current
from yinfeng.commands.options import Host, Port, load_for
from yinfeng.embedded.apache import EmbeddedKafka, was_begun
from yinfeng.embedded.broker import EmbeddedBroker
from yinfeng.forking import apart
from yinfeng.platform import run_platform
from yinfeng.prepare import first_link, prepare
from yinfeng.surroundings import KEY_FILE

FORGETS: Final = """\
  The broker here keeps its log in memory: when it ends, facts that were posted straight to it and not applied are gone.
  What comes over HTTP is safe. `yinfeng up --broker apache` keeps the log on disk (it needs Java and Maven).
"""


class BrokerKind(StrEnum):
    """Which broker runs here."""

    SMALL = "small"
    APACHE = "apache"


def up(
    port: Port = None,
    host: Host = None,
    broker: Annotated[
        BrokerKind | None,
        typer.Option(help="apache: Apache Kafka, which keeps its log on disk and needs Java. The home remembers it."),
    ] = None,
) -> None:
    """Run the whole platform here: database, broker, relay, worker, web app. Ctrl-C stops it."""
    settings = load_for(port, host)
    begun = was_begun(settings.home)
    if broker is BrokerKind.SMALL and begun:
        raise ConfigurationError(
            f"{settings.home} has the log of Apache Kafka: leave --broker away, or remove {settings.home / 'kafka'}"
        )
    apache = begun or broker is BrokerKind.APACHE
    console = Console()
    own_database = settings.database_url is None

    def prepare_all(started: Settings) -> None:
        database = started.database_url or ""
        if own_database and not is_current(database):
            apart(partial(_copy_before_migrating, database, started.home / "backups", console))
        prepare(started, topics=settings.kafka is not None)  # a broker of ours has them once it is ready

    def ready(started: Settings) -> None:
        _welcome(console, started)
        if settings.kafka is None and not apache:
            console.print(FORGETS, highlight=False)

    raise typer.Exit(
        run_platform(
            settings, console, prepare=prepare_all, on_ready=ready, broker=EmbeddedKafka if apache else EmbeddedBroker
        )
    )


def _copy_before_migrating(database: str, folder: Path, console: Console) -> None:
    from yinfeng.backup import copy_before_migrating  # noqa: PLC0415 - see storage.revision

    copy_before_migrating(database, folder, console.print)


def _welcome(console: Console, settings: Settings) -> None:
    key = settings.home / KEY_FILE
    token = asyncio.run(first_link(settings.database_url or ""))
    begin = f"Begin here, once: {settings.base_url}/welcome/{token}\n" if token else ""
    console.print(
        f"\n[bold]Yinfeng 引凤[/bold]  {settings.base_url}\n"
        f"  {begin or 'Sign in there.'}{'' if begin else chr(10)}"
        f"  Machines sign in with the key in {key}\n"
        f"  Try it:   .venv/bin/yinfeng demo          (a park's year in 90 seconds)\n"
        f"  Or post:  curl -s {settings.base_url}/v1/events \\\n"
        f'              -H "Authorization: Bearer $(cat {key})" \\\n'
        f"              -H 'Content-Type: application/cloudevents+json' \\\n"
        '              -d \'{"specversion":"1.0","id":"1","source":"/hr/me","type":"candidate.signed_up",\n'
        '                   "time":"2026-03-08T09:30:00+08:00",'
        '"data":{"campaign":"grads-2026","candidate":"c-1","name":"李雷"}}\'\n'
        f"  State:    .venv/bin/yinfeng status        Logs: {settings.home / 'logs'}\n",
        highlight=False,
        soft_wrap=True,
    )
