"""`yinfeng accounts create|list|disable|reset`."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console

from schemas.errors import ConfigurationError
from schemas.settings import load_settings
from storage.access import accounts, audit, once, sessions
from storage.access.accounts import Account
from storage.access.audit import Who
from storage.database import Conn
from yinfeng.commands.options import BY_DEFAULT, on_database
from yinfeng.commands.shown import plain, table

EmailArgument = Annotated[str, typer.Argument(help="The person's address.")]
_HERE = Who(None, BY_DEFAULT, None)


def create(
    email: EmailArgument,
    name: Annotated[str, typer.Option(help="What the person is called (the address unless given).")] = "",
    role: Annotated[str, typer.Option(help="organizer, employer or viewer.")] = "organizer",
    employer: Annotated[str | None, typer.Option(help="For the role employer: which one.")] = None,
    campaign: Annotated[list[str] | None, typer.Option(help="Only this campaign; may be given several times.")] = None,
) -> None:
    """Make an account and print the link, good once, where its holder chooses a password."""

    async def make(conn: Conn) -> str:
        async with conn.transaction():
            made = await accounts.create(
                conn, email=email, name=name or email, role=role, employer=employer, campaigns=campaign
            )
            await audit.add(conn, _HERE, "account_invited", subject=email)
            return await once.make(conn, "invitation", made)

    typer.echo(_link(on_database(make)))


def listed() -> None:
    """All accounts."""
    shown = table("email", "name", "role", "employer", "campaigns", "state")
    for each in on_database(accounts.listed):
        campaigns = "all" if each.campaigns is None else ", ".join(each.campaigns)
        employer = plain(each.employer or "")
        shown.add_row(plain(each.email), plain(each.name), each.role, employer, plain(campaigns), _state(each))
    Console().print(shown)


def disable(email: EmailArgument) -> None:
    """Shut an account; its sessions end."""

    async def shut(conn: Conn) -> None:
        async with conn.transaction():
            account = await _known(conn, email)
            await accounts.set_disabled(conn, account.account, disabled=True)
            await sessions.end_all(conn, account.account)
            await once.revoke(conn, account.account)
            await audit.add(conn, _HERE, "account_disabled", subject=account.email)

    on_database(shut)
    typer.echo("shut")


def reset(
    email: EmailArgument,
    second_factor: Annotated[
        bool, typer.Option(help="Switch the second factor off too: the telephone is lost.")
    ] = False,
    identity: Annotated[
        bool, typer.Option(help="Forget whom the identity provider knows the person as: they have another name there.")
    ] = False,
) -> None:
    """Open an account that was shut, and print the link, good once, where its holder chooses a new password."""

    async def make(conn: Conn) -> str:
        async with conn.transaction():
            account = await _known(conn, email)
            await accounts.set_disabled(conn, account.account, disabled=False)
            if second_factor:
                await accounts.end_second_factor(conn, account.account)
            if identity:
                await accounts.unbind(conn, account.account)
            await audit.add(conn, _HERE, "link_made", subject=account.email)
            return await once.make(conn, "reset", account.account)

    typer.echo(_link(on_database(make)))


async def _known(conn: Conn, email: str) -> Account:
    account = await accounts.by_email(conn, email)
    if account is None:
        raise ConfigurationError(f"there is no account of {email!r}; `yinfeng accounts list` shows them")
    return account


def _state(account: Account) -> str:
    if account.disabled_at:
        return "shut"
    return "second factor" if account.totp else "open" if account.password else "invited"


def _link(token: str) -> str:
    return f"{load_settings().base_url}/welcome/{token}"
