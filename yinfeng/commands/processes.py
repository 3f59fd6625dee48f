"""The processes one by one: `web`, `worker`, `relay`, and `prepare`. Each imports what it runs, and no more."""
# ruff: noqa: PLC0415

from __future__ import annotations

import asyncio

import typer

from schemas.settings import load_settings
from yinfeng.commands.options import Host, Port, load_for
from yinfeng.surroundings import checked


def web(port: Port = None, host: Host = None) -> None:
    """Run a web app alone (several may run)."""
    from yinfeng.web.serving import run_web

    raise typer.Exit(run_web(checked(load_for(port, host))))


def worker() -> None:
    """Run a stream worker alone (several share the partitions)."""
    from yinfeng.worker import run_worker

    raise typer.Exit(run_worker(checked(load_settings())))


def relay() -> None:
    """Run a relay alone (of several, one publishes and the others stand by)."""
    from yinfeng.relay import run_relay

    raise typer.Exit(run_relay(checked(load_settings())))


def prepare() -> None:
    """Make topics, tables and the first key on the servers that the settings name, and say what these promise."""
    from yinfeng.durability import read_database, read_topic, what_202_is_worth, what_kafka_is_worth
    from yinfeng.prepare import first_link
    from yinfeng.prepare import prepare as prepare_servers

    settings = checked(load_settings())
    prepare_servers(settings)
    for line in (
        *what_202_is_worth(read_database(settings.database_url or "")),
        *what_kafka_is_worth(read_topic(settings.kafka_access)),
    ):
        typer.echo(line)
    if token := asyncio.run(first_link(settings.database_url or "")):
        typer.echo(f"The first organizer begins here, once: {settings.base_url}/welcome/{token}")
