"""Accounts: people who sign in. What a password must be like, and how it is hashed, is decided elsewhere."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from schemas.access import ROLES, Role
from schemas.errors import Conflict, NotFound, Refused
from schemas.fields import is_email
from storage.database import Conn

_COLUMNS: Final = (
    "account, email, name, role, employer, campaigns, password, totp, totp_step, issuer, subject, created_at,"
    " disabled_at, (SELECT max(seen_at) FROM sessions s WHERE s.account = a.account) AS seen_at"
)
_INSERT: Final = """
INSERT INTO accounts (account, email, name, role, employer, campaigns) VALUES (%s, %s, %s, %s, %s, %s)
ON CONFLICT (lower(email)) DO NOTHING RETURNING account
"""
_SET_TOTP: Final = "UPDATE accounts SET totp = %s, totp_step = %s WHERE account = %s AND totp IS NULL"
_BIND: Final = "UPDATE accounts SET issuer = %s, subject = %s WHERE account = %s AND subject IS NULL"
_STEP: Final = (
    "UPDATE accounts SET totp_step = %(step)s WHERE account = %(account)s AND coalesce(totp_step, 0) < %(step)s"
)
_MANY: Final = 10_000


@dataclass(frozen=True, slots=True)
class Account:
    """One person's account (see schemas.access_tables.AccountRow). `seen_at`: when last seen signed in."""

    account: str
    email: str
    name: str
    role: Role
    employer: str | None
    campaigns: list[str] | None
    password: str | None
    totp: str | None
    totp_step: int | None
    issuer: str | None
    subject: str | None
    created_at: datetime
    disabled_at: datetime | None
    seen_at: datetime | None

    @property
    def poster(self) -> str:
        return f"account:{self.account}"


async def create(
    conn: Conn,
    *,
    email: str,
    name: str,
    role: str,
    employer: str | None = None,
    campaigns: Collection[str] | None = None,
) -> str:
    """Make an account without a password and return its id. Raises Refused for what can't be an account's, Conflict
    when the address has one."""
    if not is_email(email):
        raise Refused(f"{email!r} is no e-mail address")
    if role not in ROLES:
        raise Refused(f"there is no role {role!r}; there are {', '.join(ROLES)}")
    if (role == "employer") != bool(employer):
        raise Refused("the role employer, and it alone, needs an employer")
    account = secrets.token_hex(6)
    limited = Jsonb(sorted(campaigns)) if campaigns else None
    cursor = await conn.execute(_INSERT, [account, email, name, role, employer or None, limited])
    if await cursor.fetchone() is None:
        raise Conflict(f"{email} has an account")
    return account


async def listed(conn: Conn) -> list[Account]:
    """All accounts by address, disabled ones too."""
    return await _accounts(conn, f"SELECT {_COLUMNS} FROM accounts a ORDER BY lower(email) LIMIT {_MANY}", [])


async def by_email(conn: Conn, email: str) -> Account | None:
    """The account of this address, whatever its letters' case."""
    found = await _accounts(conn, f"SELECT {_COLUMNS} FROM accounts a WHERE lower(email) = lower(%s)", [email])
    return found[0] if found else None


async def by_subject(conn: Conn, issuer: str, subject: str) -> Account | None:
    """The account of whom an identity provider knows as this."""
    query = f"SELECT {_COLUMNS} FROM accounts a WHERE issuer = %s AND subject = %s"
    found = await _accounts(conn, query, [issuer, subject])
    return found[0] if found else None


async def bind(conn: Conn, account: str, issuer: str, subject: str) -> bool:
    """Let this account be whom the provider knows as this, from now on. Whether it was nobody's before."""
    cursor = await conn.execute(_BIND, [issuer, subject, account])
    return cursor.rowcount > 0


async def unbind(conn: Conn, account: str) -> None:
    """Let who comes next by a provider, with the account's address, be its person."""
    await conn.execute("UPDATE accounts SET issuer = NULL, subject = NULL WHERE account = %s", [account])


async def fetch(conn: Conn, account: str) -> Account:
    """An account by its id. Raises NotFound."""
    found = await _accounts(conn, f"SELECT {_COLUMNS} FROM accounts a WHERE account = %s", [account])
    if not found:
        raise NotFound(f"there is no account {account!r}")
    return found[0]


async def has_organizer(conn: Conn) -> bool:
    """Whether somebody can sign in who may do all."""
    row = await (
        await conn.execute(
            "SELECT EXISTS (SELECT FROM accounts WHERE role = 'organizer' AND campaigns IS NULL"
            " AND password IS NOT NULL AND disabled_at IS NULL)"
        )
    ).fetchone()
    return bool(row and row[0])


async def set_password(conn: Conn, account: str, password: str) -> None:
    """Let this hash be the account's password from now on."""
    await conn.execute("UPDATE accounts SET password = %s WHERE account = %s", [password, account])


async def set_disabled(conn: Conn, account: str, *, disabled: bool) -> None:
    """Shut an account, which ends its sessions, or open it again. Raises NotFound."""
    moment = "now()" if disabled else "NULL"
    cursor = await conn.execute(f"UPDATE accounts SET disabled_at = {moment} WHERE account = %s", [account])
    if cursor.rowcount == 0:
        raise NotFound(f"there is no account {account!r}")


async def set_second_factor(conn: Conn, account: str, secret: str, step: int, codes: Collection[str]) -> None:
    """Ask for codes of this secret from now on, or for one of these recovery codes, each good once. `step`: of the code
    that showed that the secret is held, which is used up. Raises Conflict while there is a second factor."""
    async with conn.transaction():
        cursor = await conn.execute(_SET_TOTP, [secret, step, account])
        if cursor.rowcount == 0:
            raise Conflict("there is a second factor; end it first")
        await conn.execute("DELETE FROM recovery_codes WHERE account = %s", [account])
        hashes = [_digest(account, code) for code in codes]
        await conn.execute(
            "INSERT INTO recovery_codes (account, hash) SELECT %s, * FROM unnest(%b::bytea[])", [account, hashes]
        )


async def end_second_factor(conn: Conn, account: str) -> None:
    """Ask for no codes any more."""
    async with conn.transaction():
        await conn.execute("UPDATE accounts SET totp = NULL, totp_step = NULL WHERE account = %s", [account])
        await conn.execute("DELETE FROM recovery_codes WHERE account = %s", [account])


async def take_step(conn: Conn, account: str, step: int) -> bool:
    """Note that the code of this step of the clock was used. Whether neither it nor a later one was before."""
    return (await conn.execute(_STEP, {"account": account, "step": step})).rowcount > 0


async def take_recovery_code(conn: Conn, account: str, code: str) -> bool:
    """Use up a recovery code. Whether there was such a one."""
    cursor = await conn.execute(
        "DELETE FROM recovery_codes WHERE account = %s AND hash = %s", [account, _digest(account, code)]
    )
    return cursor.rowcount > 0


async def recovery_codes_left(conn: Conn, account: str) -> int:
    """How many recovery codes are not used."""
    row = await (await conn.execute("SELECT count(*) FROM recovery_codes WHERE account = %s", [account])).fetchone()
    return int(row[0]) if row else 0


def _digest(account: str, code: str) -> bytes:
    """Codes have 80 random bits: a slow hash would add nothing but load."""
    return hashlib.sha256(f"{account}:{code}".encode("utf-8", "surrogatepass")).digest()


async def _accounts(conn: Conn, query: str, values: list[str]) -> list[Account]:
    async with conn.cursor(row_factory=class_row(Account)) as cursor:
        await cursor.execute(query.encode(), values)
        return await cursor.fetchall()
