"""`yinfeng vault rotate|check`."""

from __future__ import annotations

import typer

from schemas.settings import load_settings
from storage.database import Conn
from storage.vault import rotating
from storage.vault.master import FileMaster
from yinfeng.commands.options import on_database


def rotate() -> None:
    """Make a new master key, and wrap each person's key by it. The platform may run meanwhile; facts stay as they are.

    The key before stays in the file until the next rotation: copies of the database from before need it.
    """
    settings = load_settings()
    master = FileMaster(settings.master_key)

    async def work(conn: Conn) -> int:
        await rotating.require_master(conn, master)
        master.rotate()
        return await rotating.wrap_anew(conn, master)

    count = on_database(work)
    typer.echo(f"{master.current} is the master key now; {count} keys are wrapped anew.")
    typer.echo(f"Keep a copy of {settings.master_key} apart from the database's copies.")


def check() -> None:
    """Whether the master key is the one that belongs to the database."""
    settings = load_settings()
    master = FileMaster(settings.master_key)
    on_database(lambda conn: rotating.require_master(conn, master))
    typer.echo(f"{settings.master_key} is the right one; {master.current} wraps.")
