"""`yinfeng audit`."""

from __future__ import annotations

import typer

from streams.audit import audit as compare
from yinfeng.commands.options import on_database


def audit() -> None:
    """Recount every target and refold every journey from the ledger; exit 1 if anything differs."""
    report = on_database(compare)
    typer.echo(
        f"{report.facts} facts, {report.journeys} journeys, {report.targets} targets in {report.campaigns} campaigns"
        f" compared ({report.unapplied} facts wait to be applied)"
    )
    for line in report.differences:
        typer.echo(line)
    typer.echo(f"drift {report.drift}")
    raise typer.Exit(1 if report.drift else 0)
