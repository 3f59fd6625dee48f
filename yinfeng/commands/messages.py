"""`yinfeng messages list|show|resend|cancel`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Annotated, Any, get_args

import typer
from rich.console import Console
from rich.table import Table

from notifications.sending import hr_steps
from schemas.errors import Refused
from schemas.kinds import AUDIENCES
from schemas.messages import Status
from storage.database import Conn
from storage.messages import reading
from storage.messages.reading import MessageFilter
from yinfeng.commands.options import BY_DEFAULT, ByWhom, on_vault
from yinfeng.commands.shown import plain, table

Ids = Annotated[list[int], typer.Argument(help="Ids from `messages list`.", min=1, max=2**63 - 1)]
ReasonOption = Annotated[str, typer.Option(help="Why; it is kept with the message.")]


def listed(
    campaign: Annotated[str | None, typer.Option(help="Only this campaign's.")] = None,
    candidate: Annotated[str | None, typer.Option(help="Only this candidate's.")] = None,
    status: Annotated[str | None, typer.Option(help=f"Only those: {', '.join(get_args(Status))}.")] = None,
    kind: Annotated[str | None, typer.Option(help="Only of this kind, such as offer.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000)] = 100,
) -> None:
    """Messages, the newest first."""
    _among("--status", status, get_args(Status))
    _among("--kind", kind, AUDIENCES)
    wanted = MessageFilter(campaign=campaign, candidate=candidate, status=status, kind=kind)
    found = on_vault(lambda conn: reading.listed(conn, wanted, before=None, limit=limit))
    shown = table("id", "asked for", "kind", "campaign", "candidate", "to", "channel", "status", "reason")
    for each in found:
        asked = f"{each.requested_at:%Y-%m-%d %H:%M:%S}"
        who = [each.campaign, each.candidate or "", each.recipient or "", each.channel or ""]
        shown.add_row(str(each.id), asked, each.kind, *map(plain, [*who, each.status, each.reason or ""]))
    Console().print(shown if found else "No messages.")


def show(id: Annotated[int, typer.Argument(help="Its id, from `messages list`.", min=1, max=2**63 - 1)]) -> None:
    """One message and all that was tried and changed."""
    message, attempts = on_vault(lambda conn: _whole(conn, id))
    about = Table(show_header=False)
    for name in ("kind", "campaign", "candidate", "recipient", "channel", "locale", "subject", "status", "reason"):
        about.add_row(name, plain(str(getattr(message, name) or "")))
    log = Table("when", "status", "why")
    for each in attempts:
        log.add_row(f"{each['at']:%Y-%m-%d %H:%M:%S}", each["status"], plain(each["detail"] or ""))
    console = Console()
    console.print(about)
    console.print(log)


def resend(
    ids: Ids,
    reason: ReasonOption,
    force: Annotated[bool, typer.Option("--force", help="Also where its reader may have it already.")] = False,
    by: ByWhom = BY_DEFAULT,
) -> None:
    """Let messages go once more; each is checked anew when it goes."""
    _each(ids, "goes once more", partial(hr_steps.resend, by=by, reason=reason, force=force))


def cancel(ids: Ids, reason: ReasonOption, by: ByWhom = BY_DEFAULT) -> None:
    """Let messages that have not gone never go."""
    _each(ids, "cancelled", partial(hr_steps.cancel, by=by, reason=reason))


def _each(ids: list[int], done: str, step: Callable[..., Awaitable[None]]) -> None:
    """One message's refusal stops no other; the exit code says whether there was one."""
    refused = 0
    for id in ids:
        try:
            on_vault(partial(step, id=id))
            typer.echo(f"{id}: {done}")
        except Refused as error:
            typer.echo(f"{id}: {error}", err=True)
            refused += 1
    raise typer.Exit(1 if refused else 0)


async def _whole(conn: Conn, id: int) -> tuple[reading.Message, list[dict[str, Any]]]:
    return await reading.fetch(conn, id), await reading.attempts(conn, id)


def _among(option: str, value: str | None, allowed: Any) -> None:
    if value is not None and value not in allowed:
        raise typer.BadParameter(f"{option} must be one of {', '.join(allowed)}")
