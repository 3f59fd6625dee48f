"""A new password, and all that ends with the old one."""

from __future__ import annotations

from storage.access import accounts, once, sessions
from storage.access.accounts import Account
from storage.database import Conn


async def renew(conn: Conn, account: Account, password: str, *, but: str | None = None) -> None:
    """Let this hash be the account's password. Its sessions end, save the one with the id `but`; links that are out are
    worth nothing, and neither is the first organizer's once somebody may do all."""
    async with conn.transaction():
        await accounts.set_password(conn, account.account, password)
        await sessions.end_all(conn, account.account, but=but)
        await once.revoke(conn, account.account)
        if account.role == "organizer" and account.campaigns is None:
            await once.revoke_first(conn)
