"""`yinfeng keys create|list|revoke`."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console

from storage.access import keys
from yinfeng.commands.options import on_database
from yinfeng.commands.shown import plain, table


def create(
    name: Annotated[str, typer.Argument(help="Whose key it is.")],
    role: Annotated[str, typer.Option(help="organizer, employer or viewer.")] = "viewer",
    employer: Annotated[str | None, typer.Option(help="For the role employer: which one.")] = None,
) -> None:
    """Make a key and show it, this once."""
    typer.echo(on_database(lambda conn: keys.create(conn, name=name, role=role, employer=employer)))


def listed() -> None:
    """All keys; never their secrets."""
    shown = table("key", "name", "role", "employer", "made", "revoked")
    for key in on_database(keys.listed):
        revoked = f"{key.revoked_at:%Y-%m-%d %H:%M}" if key.revoked_at else ""
        shown.add_row(
            key.key, plain(key.name), key.role, plain(key.employer or ""), f"{key.created_at:%Y-%m-%d %H:%M}", revoked
        )
    Console().print(shown)


def revoke(key: Annotated[str, typer.Argument(help="The key's id, from `keys list`.")]) -> None:
    """Make a key useless from now on."""
    on_database(lambda conn: keys.revoke(conn, key))
    typer.echo("revoked")
