"""`yinfeng targets [--watch]`."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from functools import partial
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.live import Live

from dashboard.following import StreamEvent, fetch, follow, make_client
from dashboard.terminal import line, table
from schemas.settings import load_settings
from yinfeng.commands.options import KeyOption, UrlOption
from yinfeng.surroundings import api


def targets(
    watch: Annotated[bool, typer.Option("--watch", help="Stay, and show every change. Ctrl-C ends it.")] = False,
    campaign: Annotated[str | None, typer.Option(help="Of this campaign only.")] = None,
    url: UrlOption = None,
    key: KeyOption = None,
) -> None:
    """Every target with its number; `--watch` keeps them moving."""
    where = api(load_settings(), url, key)
    console = Console()
    with make_client(where.url, where.key) as client:
        if watch:
            _Watch(console).run(partial(follow, client, campaign, sleep=time.sleep))
            return
        found = list(fetch(client, campaign))
    if not console.is_terminal:
        for entry in found:
            typer.echo(line(entry))
    else:
        console.print(table(found) if found else "No targets yet.")


class _Watch:
    """What is shown while watching: on a terminal one table, else a line for each change."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._entries: dict[tuple[str, str], dict[str, Any]] = {}
        self._state: str | None = "connecting"
        self._live = Live(console=console, auto_refresh=False) if console.is_terminal else None

    def run(self, following: Callable[..., None]) -> None:
        """Show what `following(on_event=…, on_state=…)` tells, until Ctrl-C."""
        try:
            if self._live is None:
                following(on_event=self._line, on_state=self._say)
            else:
                with self._live:
                    following(on_event=self._draw, on_state=self._show)
        except KeyboardInterrupt:
            return

    def _line(self, event: StreamEvent) -> None:
        if event.name == "progress":
            typer.echo(line(json.loads(event.data)))
        elif event.name == "withdrawn":
            gone = json.loads(event.data)
            typer.echo(f"{gone['campaign']}/{gone['target']} withdrawn")

    def _say(self, state: str | None) -> None:
        typer.echo(state or "connected", err=True)

    def _draw(self, event: StreamEvent) -> None:
        if event.name in ("progress", "withdrawn"):
            entry = json.loads(event.data)
            key = (entry["campaign"], entry["target"])
            self._entries.pop(key, None)
            if event.name == "progress":
                self._entries[key] = entry
            self._refresh()

    def _show(self, state: str | None) -> None:
        self._state = "live; Ctrl-C ends it" if state is None else f"not live: {state}"
        self._refresh()

    def _refresh(self) -> None:
        assert self._live is not None
        self._live.update(table(self._entries.values(), self._state), refresh=True)
