"""The command `yinfeng`. What it can do is the tables at the foot: name → module:function.

A module is imported when its command is wanted: a relay need not carry a web framework.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any

import typer

from schemas.errors import YinfengError
from yinfeng.loading import loading

HELP = "Yinfeng 引凤: recruitment campaigns as a stream of facts, with live, exact hiring targets."


def make_cli(wanted: str | None = None) -> typer.Typer:
    """The command-line app: all of it, or with the one command that is wanted."""
    cli = typer.Typer(name="yinfeng", help=HELP, no_args_is_help=True, pretty_exceptions_enable=False)
    for name, place in COMMANDS.items():
        if wanted not in COMMANDS or name == wanted:
            cli.command(name)(_load(place))
    for name, (about, commands) in GROUPS.items():
        if wanted not in COMMANDS:
            cli.add_typer(_group(about, commands), name=name)
    if wanted in COMMANDS:
        cli.callback()(_nothing)  # with one command alone, Typer would take its name for an argument
    return cli


def main() -> None:
    """Run the command; an error of ours is one line and exit code 1."""
    try:
        with loading():
            cli = make_cli(sys.argv[1] if len(sys.argv) > 1 else None)
        cli()
    except YinfengError as error:
        typer.echo(f"yinfeng: {error}", err=True)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)


def _group(about: str, commands: dict[str, str]) -> typer.Typer:
    group = typer.Typer(help=about, no_args_is_help=True)
    for name, place in commands.items():
        group.command(name)(_load(place))
    return group


def _load(place: str) -> Callable[..., Any]:
    module, function = place.split(":")
    command: Callable[..., Any] = getattr(import_module(f"yinfeng.commands.{module}"), function)
    return command


def _nothing() -> None:
    pass


COMMANDS: dict[str, str] = {
    "up": "up:up",
    "post": "facts:post",
    "demo": "demo:demo",
    "targets": "targets:targets",
    "status": "status:status",
    "health": "health:health",
    "audit": "audit:audit",
    "retention": "retention:retention",
    "channels": "channels:channels",
    "prepare": "processes:prepare",
    "restored": "restored:restored",
    "web": "processes:web",
    "worker": "processes:worker",
    "relay": "processes:relay",
}

GROUPS: dict[str, tuple[str, dict[str, str]]] = {
    "dead-letters": (
        "What could not be used.",
        {"list": "dead_letters:listed", "retry": "dead_letters:retry", "drop": "dead_letters:drop"},
    ),
    "messages": (
        "Messages to candidates and HR, and what became of them.",
        {
            "list": "messages:listed",
            "show": "messages:show",
            "resend": "messages:resend",
            "cancel": "messages:cancel",
        },
    ),
    "suppressions": (
        "Addresses to which no mail goes.",
        {"list": "suppressions:listed", "lift": "suppressions:lift"},
    ),
    "accounts": (
        "People who may sign in.",
        {
            "create": "accounts:create",
            "list": "accounts:listed",
            "disable": "accounts:disable",
            "reset": "accounts:reset",
        },
    ),
    "walls": (
        "Links that show targets on a screen in a hall.",
        {"create": "walls:create", "list": "walls:listed", "revoke": "walls:revoke"},
    ),
    "keys": ("Access keys.", {"create": "keys:create", "list": "keys:listed", "revoke": "keys:revoke"}),
    "vault": (
        "The key that all personal data hangs on.",
        {
            "check": "vault:check",
            "rotate": "vault:rotate",
            "entry-key": "vault:entry_key",
            "seal": "vault:seal",
            "export": "vault:export",
            "receipt": "vault:show_receipt",
        },
    ),
}
