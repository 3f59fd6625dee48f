"""`up`, and the processes one by one: `web`, `worker`, `relay`, `prepare`."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console

from schemas.settings import Settings, load_settings
from yinfeng.first_key import prepare_all
from yinfeng.relay import run_relay
from yinfeng.supervisor import run_platform
from yinfeng.surroundings import KEY_FILE, servers
from yinfeng.web import run_web
from yinfeng.worker import run_worker

Port = Annotated[int | None, typer.Option(help="Port of the web app (YINFENG_PORT, else 8000; 0: any free one).")]
Host = Annotated[str | None, typer.Option(help="Address to listen on (YINFENG_HOST, else 127.0.0.1).")]


def up(port: Port = None, host: Host = None) -> None:
    """Run the whole platform here: database, broker, relay, worker, web app. Ctrl-C stops it."""
    settings = _settings(port, host)
    console = Console()
    raise typer.Exit(run_platform(settings, console, prepare=prepare_all, on_ready=lambda s: _welcome(console, s)))


def web(port: Port = None, host: Host = None) -> None:
    """Run a web app alone (several may run)."""
    raise typer.Exit(run_web(servers(_settings(port, host))))


def worker() -> None:
    """Run a stream worker alone (several share the partitions)."""
    raise typer.Exit(run_worker(servers(load_settings())))


def relay() -> None:
    """Run a relay alone (of several, one publishes and the others stand by)."""
    raise typer.Exit(run_relay(servers(load_settings())))


def prepare() -> None:
    """Make topics, tables and the first key on the servers that the settings name."""
    prepare_all(servers(load_settings()))


def _settings(port: int | None, host: str | None) -> Settings:
    given = {"port": port, "host": host}
    return load_settings(**{name: value for name, value in given.items() if value is not None})


def _welcome(console: Console, settings: Settings) -> None:
    key = settings.home / KEY_FILE
    console.print(
        f"\n[bold]Yinfeng 引凤[/bold]  {settings.base_url}\n"
        f"  Log in with the key in {key}\n"
        f"  Try it:   .venv/bin/yinfeng demo          (a park's year in 90 seconds)\n"
        f"  Or post:  curl -s {settings.base_url}/v1/events \\\n"
        f"              -H \"Authorization: Bearer $(cat {key})\" \\\n"
        f"              -H 'Content-Type: application/cloudevents+json' \\\n"
        "              -d '{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"/hr/me\",\"type\":\"candidate.signed_up\",\n"
        "                   \"time\":\"2026-03-08T09:30:00+08:00\","
        "\"data\":{\"campaign\":\"grads-2026\",\"candidate\":\"c-1\",\"name\":\"李雷\"}}'\n"
        f"  State:    .venv/bin/yinfeng status        Logs: {settings.home / 'logs'}\n",
        highlight=False,
        soft_wrap=True,
    )
