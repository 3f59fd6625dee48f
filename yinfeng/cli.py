"""The command `yinfeng`. What it can do is the table at the foot."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import typer

from schemas.errors import YinfengError
from yinfeng.commands import facts, operations, processes

HELP = "Yinfeng 引凤: recruitment campaigns as a stream of facts, with live, exact hiring targets."


def make_cli() -> typer.Typer:
    """The command-line app, built from the tables below."""
    cli = typer.Typer(name="yinfeng", help=HELP, no_args_is_help=True, pretty_exceptions_enable=False)
    for name, command in COMMANDS.items():
        cli.command(name)(command)
    for name, (about, commands) in GROUPS.items():
        group = typer.Typer(help=about, no_args_is_help=True)
        for sub, command in commands.items():
            group.command(sub)(command)
        cli.add_typer(group, name=name)
    return cli


def main() -> None:
    """Run the command; an error of ours is one line and exit code 1."""
    try:
        make_cli()()
    except YinfengError as error:
        print(f"yinfeng: {error}", file=sys.stderr)  # noqa: T201
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)


COMMANDS: dict[str, Callable[..., Any]] = {
    "up": processes.up,
    "post": facts.post,
    "demo": facts.demo,
    "status": operations.status,
    "audit": operations.audit,
    "prepare": processes.prepare,
    "web": processes.web,
    "worker": processes.worker,
    "relay": processes.relay,
}

GROUPS: dict[str, tuple[str, dict[str, Callable[..., Any]]]] = {
    "dead-letters": (
        "What could not be used.",
        {
            "list": operations.dead_letters_list,
            "retry": operations.dead_letters_retry,
            "drop": operations.dead_letters_drop,
        },
    ),
    "keys": (
        "Access keys.",
        {"create": operations.keys_create, "list": operations.keys_list, "revoke": operations.keys_revoke},
    ),
}
