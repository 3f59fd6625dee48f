"""`yinfeng status`."""

from __future__ import annotations

import json
from collections import Counter
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from schemas.errors import Unavailable
from schemas.settings import Settings, load_settings
from storage.beats import Beat
from storage.campaigns import terms
from storage.database import Conn
from storage.messages import asking
from storage.messages.report_mailboxes import MailboxState
from storage.overview import Overview, overview
from yinfeng.commands.channels import WHAT_THAT_ASKS, campaigns_mail, said_of
from yinfeng.commands.options import on_database
from yinfeng.lag import facts_lag
from yinfeng.status_file import PlatformState, read_state, with_memory
from yinfeng.surroundings import servers


def status(as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False) -> None:
    """Each part's state, memory and start time; lag, unapplied facts, dead letters, messages by status."""
    settings = load_settings()
    running, named = read_state(settings.home), servers(settings)
    state = with_memory(running) if running else None
    if state and not as_json:
        _show_parts(state)  # first: who looks while a server is away wants to know which
    try:
        lag: int | str = facts_lag(named.kafka_access)
    except Unavailable as error:
        lag = f"unknown: {error}"
    found, out = on_database(overview), on_database(lambda conn: _way_out(conn, settings))
    if as_json:
        typer.echo(json.dumps(_as_dict(state, found, lag) | {"mail": out}, ensure_ascii=False, indent=2))
    else:
        _show_numbers(found, lag)
        Console().print(_of_mail(out), markup=False)


async def _way_out(conn: Conn, settings: Settings) -> dict[str, Any]:
    """Where candidates' mail goes, usually and of campaigns for which something else is set, and what waits for
    consent to that."""
    return {
        "way": settings.mail_way,
        "abroad": settings.channels.leads_abroad(None),
        "campaigns": await campaigns_mail(conn, settings.channels),
        "campaigns_that_wait_for_consent": sorted(await terms.waiting_for_consent(conn)),
        "messages_that_wait_for_consent": await asking.waiting_abroad(conn),
    }


def _of_mail(out: dict[str, Any]) -> str:
    lines = [
        f"candidates are written to by {said_of(out)}",
        *(f"  {each['campaign']}: by {said_of(each)}" for each in out["campaigns"]),
    ]
    if out["abroad"] or any(each["abroad"] for each in out["campaigns"]):
        lines.append(WHAT_THAT_ASKS)
    return "\n".join(lines)


def _show_parts(state: PlatformState) -> None:
    console = Console()
    seconds = f"ready after {state.start_seconds} s" if state.start_seconds is not None else "starting"
    console.print(f"[bold]{state.address}[/bold]  {seconds}, since {state.started_at:%Y-%m-%d %H:%M} UTC")
    table = Table("part", "state", "pid", "memory", "restarts", "last exit")
    for child in state.children:
        memory = f"{child.memory / 2**20:.0f} MB"
        table.add_row(
            child.name,
            child.state,
            str(child.pid or ""),
            memory,
            str(child.restarts),
            child.last_exit or "",
        )
    table.add_row("supervisor", "ready", str(state.pid), f"{state.memory / 2**20:.0f} MB", "", "")
    console.print(table)
    console.print(f"memory in all: {state.total_memory / 2**20:.0f} MB")


def _show_numbers(found: Overview, lag: int | str) -> None:
    console = Console()
    console.print(f"consumer lag: {lag}   unapplied facts: {found.unapplied} (oldest {found.unapplied_age:.0f} s)")
    if found.gaps[0]:
        console.print(f"[red]the log dropped {found.gaps[1]} records unread, {found.gaps[0]} times[/red]")
    for worker in found.workers:
        if worker.sender_trouble:
            console.print(_of_lost_senders(worker), style="red", markup=False)
    console.print(f"facts: about {found.facts}   dead letters: {found.dead_letters}")
    for mailbox in found.mailboxes:
        console.print(_of_mailbox(mailbox), markup=False)
    for status_name, count in sorted(_messages_by_status(found).items()):
        console.print(f"messages {status_name}: {count}")


def _of_lost_senders(worker: Beat) -> str:
    return (
        f"worker {worker.holder} has lost {worker.lost_senders} senders of mails, the last {worker.sender_trouble}: "
        "mails may wait. Its log says what the sender said before: mend that"
    )


def _of_mailbox(found: MailboxState) -> str:
    read = "never read yet" if found.age is None else f"read {found.age:.0f} s ago"
    return f"reports of mail that came back: {read}" + (
        f"; can't be read now: {found.trouble}" if found.trouble else ""
    )


def _messages_by_status(found: Overview) -> Counter[str]:
    total: Counter[str] = Counter()
    for (_, _, status_name), count in found.messages.items():
        total[status_name] += count
    return total


def _as_dict(state: PlatformState | None, found: Overview, lag: int | str) -> dict[str, object]:
    parts = (
        [
            {"name": c.name, "state": c.state, "pid": c.pid, "memory": c.memory, "restarts": c.restarts}
            for c in state.children
        ]
        if state
        else []
    )
    return {
        "address": state.address if state else None,
        "start_seconds": state.start_seconds if state else None,
        "memory": state.total_memory if state else None,
        "parts": parts,
        "lag": lag,
        "unapplied": found.unapplied,
        "unapplied_age_seconds": found.unapplied_age,
        "dead_letters": found.dead_letters,
        "reports": [
            {"mailbox": each.mailbox, "read_seconds_ago": each.age, "trouble": each.trouble} for each in found.mailboxes
        ],
        "lost_senders": [
            {"worker": each.holder, "number": each.lost_senders, "trouble": each.sender_trouble}
            for each in found.workers
            if each.lost_senders
        ],
        "messages": _messages_by_status(found),
    }
