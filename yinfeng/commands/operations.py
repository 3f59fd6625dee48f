"""`status`, `audit`, `dead-letters`, `keys`: what an operator asks and does, straight on the database."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Annotated, TypeVar

import typer
from rich.console import Console
from rich.table import Table

from schemas.errors import InvalidFact, Unavailable
from schemas.settings import load_settings
from storage import dead_letters, keys, ledger
from storage.database import Conn, connect, translated
from storage.overview import Overview, overview
from streams.audit import audit as compare
from streams.intake import Incoming, parse
from yinfeng.lag import facts_lag
from yinfeng.status_file import PlatformState, read_state
from yinfeng.surroundings import servers

T = TypeVar("T")


def status(as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False) -> None:
    """Each part's state, memory and start time; lag, unapplied facts, dead letters, messages by status."""
    settings = load_settings()
    state, named = read_state(settings.home), servers(settings)
    try:
        lag: int | str = facts_lag(named.kafka or "")
    except Unavailable as error:
        lag = f"unknown: {error}"
    found = _on_database(overview)
    if as_json:
        typer.echo(json.dumps(_as_dict(state, found, lag), ensure_ascii=False, indent=2))
    else:
        _show_status(state, found, lag)


def audit() -> None:
    """Recount every target and refold every journey from the ledger; exit 1 if anything differs."""
    report = _on_database(compare)
    typer.echo(
        f"{report.facts} facts, {report.journeys} journeys, {report.targets} targets in {report.campaigns} campaigns"
        f" compared ({report.unapplied} facts wait to be applied)"
    )
    for line in report.differences:
        typer.echo(line)
    typer.echo(f"drift {report.drift}")
    raise typer.Exit(1 if report.drift else 0)


def dead_letters_list(limit: Annotated[int, typer.Option(min=1, max=10_000)] = 100) -> None:
    """What could not be used, with the reason."""
    letters = _on_database(lambda conn: dead_letters.listed(conn, limit=limit))
    table = Table("id", "when", "where", "reason", "value")
    for letter in letters:
        where = f"{letter.topic} {letter.partition}:{letter.offset}"
        table.add_row(str(letter.id), f"{letter.at:%Y-%m-%d %H:%M:%S}", where, letter.reason, _preview(letter.value))
    Console().print(table if letters else "No dead letters.")


def dead_letters_retry(ids: Annotated[list[int], typer.Argument(help="Ids from `dead-letters list`.")]) -> None:
    """Post dead letters again, as they are; those that are still no facts stay, with the reason."""
    failed = 0
    for id in ids:
        reason = _on_database(lambda conn, id=id: _retry(conn, id))
        typer.echo(f"{id}: {reason or 'posted again'}")
        failed += reason is not None
    raise typer.Exit(1 if failed else 0)


def dead_letters_drop(ids: Annotated[list[int], typer.Argument(help="Ids from `dead-letters list`.")]) -> None:
    """Delete dead letters for good."""
    typer.echo(f"{_on_database(lambda conn: dead_letters.drop(conn, ids))} deleted")


def keys_create(
    name: Annotated[str, typer.Argument(help="Whose key it is.")],
    role: Annotated[str, typer.Option(help="organizer, employer or viewer.")] = "viewer",
    employer: Annotated[str | None, typer.Option(help="For the role employer: which one.")] = None,
) -> None:
    """Make a key and show it, this once."""
    typer.echo(_on_database(lambda conn: keys.create(conn, name=name, role=role, employer=employer)))


def keys_list() -> None:
    """All keys; never their secrets."""
    table = Table("key", "name", "role", "employer", "made", "revoked")
    for key in _on_database(keys.listed):
        revoked = f"{key.revoked_at:%Y-%m-%d %H:%M}" if key.revoked_at else ""
        table.add_row(key.key, key.name, key.role, key.employer or "", f"{key.created_at:%Y-%m-%d %H:%M}", revoked)
    Console().print(table)


def keys_revoke(key: Annotated[str, typer.Argument(help="The key's id, from `keys list`.")]) -> None:
    """Make a key useless from now on."""
    _on_database(lambda conn: keys.revoke(conn, key))
    typer.echo("revoked")


async def _retry(conn: Conn, id: int) -> str | None:
    letter = await dead_letters.fetch(conn, id)
    headers = tuple((name, text.encode()) for name, text in letter.headers.items())
    facts, still_dead = parse([Incoming(letter.topic, letter.partition, letter.offset, letter.key, letter.value, headers)])
    if still_dead:
        return still_dead[0].reason
    try:
        async with conn.transaction():
            await ledger.append(conn, facts, posted_by=None)
            await dead_letters.drop(conn, [id])
    except InvalidFact as error:
        return str(error)
    return None


def _on_database(work: Callable[[Conn], Awaitable[T]]) -> T:
    url = servers(load_settings()).database_url or ""

    async def run() -> T:
        async with await connect(url, name="cli") as conn:
            with translated():
                return await work(conn)

    return asyncio.run(run())


def _show_status(state: PlatformState | None, found: Overview, lag: int | str) -> None:
    console = Console()
    if state:
        seconds = f"ready after {state.start_seconds} s" if state.start_seconds is not None else "starting"
        console.print(f"[bold]{state.address}[/bold]  {seconds}, since {state.started_at:%Y-%m-%d %H:%M} UTC")
        table = Table("part", "state", "pid", "memory", "restarts", "last exit")
        for child in state.children:
            memory = f"{child.memory / 2**20:.0f} MB"
            table.add_row(child.name, child.state, str(child.pid or ""), memory, str(child.restarts), child.last_exit or "")
        table.add_row("supervisor", "ready", str(state.pid), f"{state.memory / 2**20:.0f} MB", "", "")
        console.print(table)
        console.print(f"memory in all: {state.total_memory / 2**20:.0f} MB")
    console.print(f"consumer lag: {lag}   unapplied facts: {found.unapplied} (oldest {found.unapplied_age:.0f} s)")
    console.print(f"facts: about {found.facts}   dead letters: {found.dead_letters}")
    for status_name, count in sorted(_messages_by_status(found).items()):
        console.print(f"messages {status_name}: {count}")


def _messages_by_status(found: Overview) -> Counter[str]:
    total: Counter[str] = Counter()
    for (_, status_name), count in found.messages.items():
        total[status_name] += count
    return total


def _as_dict(state: PlatformState | None, found: Overview, lag: int | str) -> dict[str, object]:
    parts = [{"name": c.name, "state": c.state, "pid": c.pid, "memory": c.memory, "restarts": c.restarts} for c in state.children] if state else []
    return {
        "address": state.address if state else None,
        "start_seconds": state.start_seconds if state else None,
        "memory": state.total_memory if state else None,
        "parts": parts,
        "lag": lag,
        "unapplied": found.unapplied,
        "unapplied_age_seconds": found.unapplied_age,
        "dead_letters": found.dead_letters,
        "messages": _messages_by_status(found),
    }


def _preview(value: bytes) -> str:
    return value[:80].decode("utf-8", "backslashreplace")
