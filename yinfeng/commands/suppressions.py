"""`yinfeng suppressions list|lift`."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console

from schemas.errors import Refused
from storage.messages import suppressions
from storage.messages.suppressions import Suppression
from yinfeng.commands.options import BY_DEFAULT, ByWhom, on_vault
from yinfeng.commands.shown import plain, table


def listed(
    lifted: Annotated[bool, typer.Option("--lifted", help="Also those that were lifted.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=10_000)] = 100,
) -> None:
    """Addresses to which no mail goes, with the reason; the newest first."""
    found = on_vault(lambda conn: suppressions.listed(conn, lifted=lifted, limit=limit))
    shown = table("address", "why", "since", "message", "what was said", "lifted")
    for each in found:
        since, message = f"{each.since:%Y-%m-%d %H:%M:%S}", str(each.message or "")
        why = f"{each.kind} of {each.about}" if each.about else each.kind
        shown.add_row(plain(each.address), why, since, message, plain(each.detail or ""), _lifted(each))
    Console().print(shown if found else "No suppressions.")


def lift(
    address: Annotated[str, typer.Argument(help="The address.")],
    reason: Annotated[str, typer.Option(help="Why; it is kept.")],
    by: ByWhom = BY_DEFAULT,
) -> None:
    """Let mail go to an address again; what waited for it goes now."""
    said = " ".join(reason.split())
    if not said:
        raise Refused("say why: the reason is kept")
    freed = on_vault(lambda conn: suppressions.lift(conn, address, by=by, reason=said))
    typer.echo(f"lifted; {len(freed)} messages go now")


def _lifted(each: Suppression) -> str:
    return (
        f"{each.lifted_at:%Y-%m-%d} by {plain(each.lifted_by or '')}: {plain(each.lifted_reason or '')}"
        if each.lifted_at
        else ""
    )
