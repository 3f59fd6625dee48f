"""`yinfeng dead-letters list|retry|drop`."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from typing import Annotated

import typer
from rich.console import Console

from schemas.errors import InvalidFact
from storage.database import Conn
from storage.ledger import dead_letters, ledger
from storage.vault.accepting import accept
from streams.intake import Incoming, parse
from yinfeng.commands.options import on_database, on_vault
from yinfeng.commands.shown import plain, table


def listed(limit: Annotated[int, typer.Option(min=1, max=10_000)] = 100) -> None:
    """What could not be used, with the reason."""
    letters = on_vault(lambda conn: dead_letters.listed(conn, limit=limit))
    shown = table("id", "when", "where", "reason", "value")
    for letter in letters:
        where = f"{letter.topic} {letter.partition}:{letter.offset}"
        when = f"{letter.at:%Y-%m-%d %H:%M:%S}"
        shown.add_row(str(letter.id), when, *map(plain, (where, letter.reason, _preview(letter.value))))
    Console().print(shown if letters else "No dead letters.")


def retry(ids: Annotated[list[int], typer.Argument(help="Ids from `dead-letters list`.")]) -> None:
    """Post dead letters again, as they are; those that are still no facts stay, with the reason."""
    failed = 0
    for id in ids:
        posted, said = on_vault(partial(_retry, id=id))
        typer.echo(f"{id}: {said}")
        failed += not posted
    raise typer.Exit(1 if failed else 0)


def drop(ids: Annotated[list[int], typer.Argument(help="Ids from `dead-letters list`.")]) -> None:
    """Delete dead letters for good."""
    typer.echo(f"{on_database(lambda conn: dead_letters.drop(conn, ids))} deleted")


async def _retry(conn: Conn, id: int) -> tuple[bool, str]:
    letter = await dead_letters.fetch(conn, id)
    headers = tuple((name, text.encode()) for name, text in letter.headers.items())
    facts, still_dead = parse(
        [Incoming(letter.topic, letter.partition, letter.offset, letter.key, letter.value, headers)],
        now=datetime.now(UTC),
    )
    if still_dead:
        return False, still_dead[0].reason
    try:
        async with conn.transaction():
            accepted = await accept(conn, facts, posted_by=None)
            await dead_letters.drop(conn, [id])
    except InvalidFact as error:  # sealed for us with a key that is not here
        return False, str(error)
    await ledger.ring(conn)
    return True, "posted again" if accepted else "known already, so nothing was left to post"


def _preview(value: bytes) -> str:
    return value[:80].decode("utf-8", "backslashreplace")
