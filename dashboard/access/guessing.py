"""How often passwords and codes may be guessed.

A try counts before it is looked at, so that many at the same moment gain nothing; one that was right is given back. The
strict limit of a password holds for an account and an address together, so that nobody keeps somebody else out.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from dashboard.access import second_factor
from storage.access import throttles
from storage.access.accounts import Account
from storage.database import Conn

QUARTER: Final = timedelta(minutes=15)
DAY: Final = timedelta(days=1)
PER_ADDRESS: Final = 50
PER_PAIR: Final = 10
PER_ACCOUNT: Final = 100
PER_SESSIONS: Final = 10
CODES: Final = 6
CODES_A_DAY: Final = 30


@dataclass(frozen=True, slots=True)
class GuessLimit:
    """So many tries under this name within a time."""

    name: str
    most: int
    within: timedelta


def from_address(ip: str) -> GuessLimit:
    """Signing in from an address, whoever it is."""
    return GuessLimit(f"address:{ip}", PER_ADDRESS, QUARTER)


def of_password(account: Account | None, email: str, ip: str) -> tuple[GuessLimit, GuessLimit]:
    """Signing in to an account from an address; and from all addresses. Where there is no account the same holds."""
    who = f"account:{account.account}" if account else f"nobody:{email.casefold()}"
    return GuessLimit(f"{who}|{ip}", PER_PAIR, QUARTER), GuessLimit(who, PER_ACCOUNT, QUARTER)


def of_own_password(account: Account) -> GuessLimit:
    """The password now, asked for where somebody is signed in."""
    return GuessLimit(f"own:{account.account}", PER_SESSIONS, QUARTER)


async def attempt(conn: Conn, *limits: GuessLimit) -> None:
    """Count a try. Raises TooMany where it is one too many."""
    for each in limits:
        await throttles.attempt(conn, each.name, each.most, each.within)


async def try_code(conn: Conn, account: Account, code: str, now: datetime) -> bool:
    """Whether this code is good as the account's second factor now. Raises TooMany."""
    quarter = GuessLimit(f"code:{account.account}", CODES, QUARTER)
    day = GuessLimit(f"code-day:{account.account}", CODES_A_DAY, DAY)
    await attempt(conn, quarter, day)
    if not await second_factor.accept(conn, account, code, now):
        return False
    await throttles.forget(conn, quarter.name)
    await throttles.give_back(conn, day.name)
    return True
