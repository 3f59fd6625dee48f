"""The second factor: codes of six figures by the clock (TOTP, RFC 6238), and recovery codes for a lost telephone."""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import Final

import pyotp
import segno

from storage.access import accounts
from storage.access.accounts import Account
from storage.database import Conn

ISSUER: Final = "Yinfeng"
RECOVERY_CODES: Final = 10
_STEP: Final = 30  # seconds
_AROUND: Final = (-1, 0, 1)  # steps: telephones' clocks are not exact
_ALPHABET: Final = "abcdefghjkmnpqrstuvwxyz23456789"  # 31: no two look alike
_LENGTH: Final = 16


def new_secret() -> str:
    return pyotp.random_base32()


def qr(secret: str, email: str) -> str:
    """The code that an authenticator app reads, as a data URI."""
    uri = pyotp.TOTP(secret).provisioning_uri(name=email, issuer_name=ISSUER)
    return str(segno.make(uri).png_data_uri(scale=5))


def new_recovery_codes() -> list[str]:
    return [_code() for _ in range(RECOVERY_CODES)]


def step_of(secret: str, code: str, now: datetime) -> int | None:
    """Which step of the clock this code is of, about now; None where it is wrong."""
    totp, at = pyotp.TOTP(secret), int(now.timestamp()) // _STEP
    steps = [at + around for around in _AROUND if totp.verify(_figures(code), for_time=(at + around) * _STEP)]
    return steps[-1] if steps else None


async def accept(conn: Conn, account: Account, code: str, now: datetime) -> bool:
    """Whether this code lets the account in now. It does so once."""
    step = step_of(account.totp or "", code, now)
    if step is not None:
        return await accounts.take_step(conn, account.account, step)
    return await accounts.take_recovery_code(conn, account.account, code.strip().lower().replace(" ", ""))


def _figures(code: str) -> str:
    return "".join(each for each in code if each.isascii() and each.isdigit())[:12]


def _code() -> str:
    letters = "".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH))
    return "-".join(letters[at : at + 4] for at in range(0, _LENGTH, 4))
