"""`yinfeng walls create|list|revoke`."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console

from schemas.settings import load_settings
from storage.access import audit, walls
from storage.access.audit import Who
from storage.database import Conn
from yinfeng.commands.options import BY_DEFAULT, on_database
from yinfeng.commands.shown import plain, table

_HERE = Who(None, BY_DEFAULT, None)


def create(
    name: Annotated[str, typer.Argument(help="Where the screen hangs.")],
    campaign: Annotated[list[str] | None, typer.Option(help="Only this campaign; may be given several times.")] = None,
) -> None:
    """Make a link and print it: whoever opens it sees targets, until it is revoked."""

    async def make(conn: Conn) -> str:
        async with conn.transaction():
            await audit.add(conn, _HERE, "wall_made", subject=name)
            return await walls.create(conn, name=name, campaigns=campaign, made_by=BY_DEFAULT)

    typer.echo(f"{load_settings().base_url}/wall/{on_database(make)}")


def listed() -> None:
    """All walls; `revoke` takes the id in the first column."""
    shown = table("wall", "name", "campaigns", "made", "revoked")
    for each in on_database(walls.listed):
        campaigns = "all" if each.campaigns is None else ", ".join(each.campaigns)
        revoked = f"{each.revoked_at:%Y-%m-%d %H:%M}" if each.revoked_at else ""
        shown.add_row(each.wall, plain(each.name), plain(campaigns), f"{each.made_at:%Y-%m-%d %H:%M}", revoked)
    Console().print(shown)


def revoke(wall: Annotated[str, typer.Argument(help="The wall's id, from `walls list`.")]) -> None:
    """Let a link show nothing from now on; screens that show it end within a second or two."""

    async def end(conn: Conn) -> None:
        async with conn.transaction():
            gone = await walls.revoke(conn, wall)
            await audit.add(conn, _HERE, "wall_revoked", subject=gone.name)

    on_database(end)
    typer.echo("revoked")
