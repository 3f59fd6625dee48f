"""`yinfeng channels`: by which channel campaigns write to candidates, and where that leads."""

from __future__ import annotations

from typing import Annotated, Any, Final

import typer
from rich.console import Console

from schemas.channels import MailChannels, MailWay
from schemas.errors import Refused
from schemas.settings import load_settings
from storage.access import audit
from storage.access.audit import Who
from storage.campaigns import reads, terms
from storage.database import Conn
from storage.messages import asking
from yinfeng.commands.options import BY_DEFAULT, on_database

USUAL: Final = "usual"
NAMES: Final = {"sendgrid": "SendGrid", "smtp": "SMTP", "local": "the local mailbox"}
WHAT_THAT_ASKS: Final = (
    "What leads abroad hands names, addresses and mails to a service in another country. PIPL asks for a"
    " separate consent, a contract, assessment or certificate, and that people are told who receives it; the GDPR for a"
    " ground of the transfer (docs/privacy.md). Mail waits for consent to `abroad` where its campaign demands that."
)


def channels(
    campaign: Annotated[str, typer.Option(help="Change this campaign's.")] = "",
    by: Annotated[str, typer.Option(help="sendgrid, smtp, local, or usual: what the platform uses for all.")] = "",
    wait: Annotated[
        bool | None,
        typer.Option("--wait-for-consent/--no-wait", help="Mail that leads abroad waits for its reader's consent."),
    ] = None,
) -> None:
    """By which channel campaigns write to candidates, where that leads, and which consent their mail waits for; with
    --campaign and --by or --wait-for-consent, change it."""
    here = load_settings().channels
    if campaign or by or wait is not None:
        on_database(lambda conn: _change(conn, here, campaign, by, wait))
    console = Console()
    usual = {"way": here.usual, "abroad": here.leads_abroad(None)}
    console.print(f"usually: by {said_of(usual)}", markup=False)
    for each in on_database(lambda conn: campaigns_mail(conn, here)):
        console.print(f"{each['campaign']}: by {said_of(each)}", markup=False)
    console.print(WHAT_THAT_ASKS if here.abroad.intersection(here.there) else "", markup=False)


async def campaigns_mail(conn: Conn, here: MailChannels) -> list[dict[str, Any]]:
    """The campaigns that have chosen a channel, or whose mail waits for consent."""
    chosen, waits = await terms.channels(conn), await terms.waiting_for_consent(conn)
    return [
        {
            "campaign": each,
            "way": here.of(chosen.get(each)),
            "set_up": here.of(chosen.get(each)) in here.there,
            "abroad": here.leads_abroad(chosen.get(each)),
            "waits_for_consent": each in waits,
            "messages_that_wait_for_consent": await asking.waiting_abroad(conn, each),
        }
        for each in sorted(chosen.keys() | waits)
    ]


def said_of(mail: dict[str, Any]) -> str:
    """A channel, where it leads, and what waits."""
    said = NAMES[mail["way"]]
    if not mail.get("set_up", True):
        return f"{said}, which is not set up here: its mail waits"
    if not mail["abroad"]:
        return said if mail["way"] == "local" else f"{said}; this does not lead abroad"
    if not mail.get("waits_for_consent"):
        return f"{said}; this leads abroad, and waits for no consent"
    count = mail["messages_that_wait_for_consent"]
    return f"{said}; this leads abroad, and waits for consent to that: {count} messages wait"


async def _change(conn: Conn, here: MailChannels, campaign: str, by: str, wait: bool | None) -> None:
    way: MailWay | None = next((each for each in here.there if each == by), None)
    if not campaign or (not by and wait is None):
        raise Refused("give --campaign, and --by or --wait-for-consent")
    if by and way is None and by != USUAL:
        raise Refused(f"--by must be one of {', '.join([*here.there, USUAL])}; others are not set up here")
    if await reads.campaign(conn, campaign) is None:
        raise Refused(f"there is no campaign {campaign!r}")
    async with conn.transaction():
        if by:
            await terms.choose_channel(conn, campaign, way, by="yinfeng channels")
        if wait is not None:
            await terms.wait_for_consent(conn, campaign, waits=wait, by="yinfeng channels")
        await asking.release_all_abroad(conn, but=await terms.held_for_consent(conn, here))
        await audit.add(conn, Who(None, BY_DEFAULT, None), "abroad_set", campaign=campaign)
