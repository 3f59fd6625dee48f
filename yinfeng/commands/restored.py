"""`yinfeng restored`: after the database came back from a copy, before anything is started."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from schemas.errors import Conflict
from schemas.fields import parse_time
from schemas.settings import load_settings
from storage.database import Conn
from storage.ledger import restoring
from storage.ledger.restoring import Restored
from storage.vault.erasing import erase_again
from storage.vault.master import FileMaster
from storage.vault.persons import file_vault
from storage.vault.process import open_vault
from storage.vault.register import Register, forgotten_by
from yinfeng.commands.options import on_database
from yinfeng.kafka_admin import facts_log
from yinfeng.lag import facts_bounds
from yinfeng.prepare import prepare
from yinfeng.surroundings import servers


def restored(
    since: Annotated[str, typer.Option(help="When the copy was made, such as 2026-11-25T03:00:00+08:00.")],
) -> None:
    """Put a database in order that was restored from a copy: what may have happened since is not done again.

    Run it while nothing of Yinfeng runs on that database, and Kafka does. Facts that Kafka still has are read again;
    messages that may have gone since are `unknown` until HR settles them.
    """
    copied_at = _moment(since)
    settings = load_settings()
    named = servers(settings)
    prepare(named, topics=False)  # the copy may be of a version before
    open_vault(file_vault(settings.master_key))
    register = Register(settings.erasures, FileMaster(settings.master_key))
    log, (starts, ends) = facts_log(named.kafka_access), facts_bounds(named.kafka_access)

    async def work(conn: Conn) -> tuple[Restored, int]:
        if others := await restoring.at_work(conn):
            raise Conflict(f"{', '.join(others)} work on this database: stop them first, then run this again")
        async with conn.transaction():
            done = await restoring.put_in_order(conn, copied_at, log, starts, ends)
            return done, await erase_again(conn, await forgotten_by(conn, register))

    done, erased = on_database(work)
    if erased:
        typer.echo(f"{erased} persons who were erased since the copy are erased again.")
    typer.echo(f"{done.messages} messages may have gone since, and are unknown now: HR settles them at /messages.")
    typer.echo(f"{done.records} records of {done.partitions} partitions are read again, without writing to anybody.")
    typer.echo("Now start Yinfeng, and let `yinfeng audit` prove the numbers.")
    typer.echo("Then `yinfeng vault check` names those whose keys were made after the copy: they count without a name.")


def _moment(text: str) -> datetime:
    try:
        moment = parse_time(text)
    except ValueError as error:
        raise typer.BadParameter(f"--since: {error}") from None
    if moment > datetime.now(UTC):
        raise typer.BadParameter("--since lies in the future")
    return moment
