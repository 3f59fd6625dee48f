"""`yinfeng audit`."""

from __future__ import annotations

import typer

from streams.audit import audit as compare
from yinfeng.commands.options import on_database
from yinfeng.commands.shown import printable


def audit() -> None:
    """Draw all that is derived anew from the ledger's facts: journeys, targets, milestones, campaigns, fairs, openings,
    reasons for messages; exit 1 if anything differs."""
    report = on_database(compare)
    typer.echo(
        f"{report.facts} facts, {report.journeys} journeys, {report.targets} targets in {report.campaigns} campaigns"
        f" compared, with {report.reasons} reasons for messages ({report.unapplied} facts wait to be applied)"
    )
    if report.uncounted:
        typer.echo(f"{report.uncounted} targets are still being counted; their numbers were not compared")
    if report.behind:
        typer.echo(f"{report.behind} journeys of another version are still being drawn anew; they were not compared")
    for line in report.differences:
        typer.echo(printable(line))
    typer.echo(f"drift {report.drift}")
    raise typer.Exit(1 if report.drift else 0)
