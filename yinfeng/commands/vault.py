"""`yinfeng vault check|rotate|entry-key|seal|export|receipt`."""

from __future__ import annotations

import json
import secrets
from typing import Annotated, Final

import typer

from schemas.receipt import receipt
from schemas.settings import load_settings
from schemas.texts import LANGS
from storage.database import Conn
from storage.ledger import restoring
from storage.ledger.ledger import JourneyKey
from storage.vault import entry_keys, in_clear, rotating
from storage.vault import export as exporting
from storage.vault.erasing import erased_at
from storage.vault.in_clear import InClear
from storage.vault.master import FileMaster
from storage.vault.process import vault
from storage.vault.register import Register
from streams.sealing import seal_all
from yinfeng.commands.options import on_database, on_vault

NAMED: Final = 50  # persons who are listed


def rotate() -> None:
    """Make a new master key, and wrap each person's key by it. The platform may run meanwhile; facts stay as they are.

    The key before stays in the file until the next rotation: copies of the database from before need it.
    """
    settings = load_settings()
    master = FileMaster(settings.master_key)

    async def work(conn: Conn) -> int:
        await rotating.require_master(conn, master)
        master.rotate()
        Register(settings.erasures, master).wrap_anew()
        await entry_keys.renew(conn, master, secrets.token_bytes)
        return await rotating.wrap_anew(conn, master)

    count = on_database(work)
    typer.echo(f"{master.current} is the master key now; {count} keys are wrapped anew.")
    typer.echo(f"Keep a copy of {settings.master_key} apart from the database's copies.")


def entry_key() -> None:
    """Print the key with which others seal facts for this platform before they post them straight to Kafka.

    It is public: it seals, and opens nothing. A rotation gives out another; this one is good for 30 days more.
    """
    typer.echo(str(on_vault(lambda conn: vault().entry_key(conn))))


def seal() -> None:
    """Seal what an earlier version left in the clear, in portions, while the platform runs.

    Run it once no process of an earlier version is at work.
    """
    done = on_vault(seal_all)
    typer.echo(f"Sealed: {done}.")


def export(
    campaign: Annotated[str, typer.Argument(help="The campaign's id.")],
    candidate: Annotated[str, typer.Argument(help="The candidate's id.")],
) -> None:
    """Print all that is held about one person, as JSON: for themselves."""
    found = on_vault(lambda conn: exporting.export(conn, campaign, candidate))
    typer.echo(json.dumps(found, ensure_ascii=False, indent=2, default=str))


def show_receipt(
    campaign: Annotated[str, typer.Argument(help="The campaign's id.")],
    candidate: Annotated[str, typer.Argument(help="The candidate's id.")],
    lang: Annotated[str, typer.Option(help="en or zh-CN.")] = "en",
) -> None:
    """Print what an erased person is told: what is gone, and what remains where, until when. As JSON."""
    if lang not in LANGS:
        raise typer.BadParameter(f"--lang must be one of {', '.join(LANGS)}")
    at = on_database(lambda conn: erased_at(conn, (campaign, candidate)))
    typer.echo(json.dumps(receipt(at).said(lang), ensure_ascii=False, indent=2, default=str))


def check() -> None:
    """Whether the master key is the one that belongs to the database, and whether all is sealed (exit code 1: no). Also
    whose name nobody can read any more, since the database was restored from a copy that has not their keys."""
    settings = load_settings()
    master = FileMaster(settings.master_key)

    async def work(conn: Conn) -> tuple[InClear, list[JourneyKey], int]:
        await rotating.require_master(conn, master)
        return await in_clear.count(conn), *await restoring.nameless(conn, NAMED)

    left, nameless, count = on_vault(work)
    typer.echo(f"{settings.master_key} is the right one; {master.current} wraps.")
    if count:
        typer.echo(f"{count} persons count without a name: this database has not the keys under which it was sealed.")
        typer.echo("Sign them up again, under new ids of facts:")
        typer.echo("\n".join(f"  {campaign} {candidate}" for campaign, candidate in nameless))
        typer.echo(f"  … and {count - len(nameless)} more" if count > len(nameless) else "", nl=count > len(nameless))
    if left:
        typer.echo(f"In the clear: {left}. `yinfeng vault seal` seals them; a worker does so by itself within hours.")
        raise typer.Exit(1)
