"""`yinfeng retention`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from schemas.errors import Refused
from schemas.retention import OUTCOMES, RetentionOutcome, RetentionTerms, make_terms
from storage.access import audit
from storage.access.audit import Who
from storage.campaigns import reads, terms
from storage.database import Conn
from storage.vault import retention as plans
from yinfeng.commands.options import BY_DEFAULT, on_database

WEEK = timedelta(days=7)
ROWS = 1000
STEPS = {
    "ask": "asked whether they want to be kept",
    "restrict": "hidden from everybody",
    "erase": "erased for good",
    "lift": "shown again",
}
WHY = {
    "ask": "not heard of for nearly {keep} months",
    "restrict": "not heard of for {keep} months, and no answer within 30 days",
    "erase": "the time for keeping them is over, and nobody objected",
    "lift": "the restriction ends on this day",
}


def retention(
    campaign: Annotated[str, typer.Option(help="Of this campaign alone.")] = "",
    outcome: Annotated[
        str, typer.Option(help="Change for how long people are kept: not_hired, hired or benefits.")
    ] = "",
    keep: Annotated[
        int | None, typer.Option(help="Months in sight, after the campaign's end and their last word.")
    ] = None,
    hold: Annotated[int | None, typer.Option(help="Months hidden after that, until they are erased.")] = None,
) -> None:
    """What the clock brings people next week, and why; with --outcome, --keep and --hold, for how long a campaign keeps
    them. Defaults and their reasons: docs/privacy.md."""
    if outcome or keep is not None or hold is not None:
        on_database(lambda conn: _change(conn, campaign, outcome, keep, hold))
    coming, months = on_database(lambda conn: _read(conn, campaign))
    _show(coming, months)


async def _change(conn: Conn, campaign: str, outcome: str, keep: int | None, hold: int | None) -> None:
    chosen = next((each for each in OUTCOMES if each == outcome), None)
    if not campaign or chosen is None or (keep is None and hold is None):
        raise Refused("give --campaign, --outcome (not_hired, hired or benefits), and --keep or --hold in months")
    if await reads.campaign(conn, campaign) is None:
        raise Refused(f"there is no campaign {campaign!r}")
    before = (await terms.retention(conn, [campaign]))[campaign, chosen]
    wanted = make_terms(before.keep if keep is None else keep, before.hold if hold is None else hold)
    async with conn.transaction():
        await terms.keep(conn, campaign, chosen, wanted, by="yinfeng retention")
        await audit.add(conn, Who(None, BY_DEFAULT, None), "retention_set", campaign=campaign)


async def _read(
    conn: Conn, campaign: str
) -> tuple[list[dict[str, Any]], dict[tuple[str, RetentionOutcome], RetentionTerms]]:
    now = datetime.now(UTC)
    among = [campaign] if campaign else None
    coming = await plans.coming(conn, now, now + WEEK, among=among, limit=ROWS)
    return coming, await terms.retention(
        conn, {each["campaign"] for each in coming} | ({campaign} if campaign else set())
    )


def _show(coming: list[dict[str, Any]], months: dict[tuple[str, RetentionOutcome], RetentionTerms]) -> None:
    console = Console()
    table = Table("day", "campaign", "people", "what", "outcome", "why")
    for each in coming:
        kept = months[each["campaign"], each["outcome"]]
        why = WHY[each["step"]].format(keep=kept.keep)
        cells = (each["day"].isoformat(), each["title"], str(each["number"]), STEPS[each["step"]], each["outcome"], why)
        table.add_row(*cells)
    console.print(table if coming else "Nothing is due in the next seven days.")
    chosen = {name for name, _ in months}
    for name in sorted(chosen if len(chosen) == 1 else ()):
        for outcome in OUTCOMES:
            kept = months[name, outcome]
            console.print(f"{name} · {outcome}: {kept.keep} months in sight, {kept.hold} hidden", markup=False)
