"""Whether a person sends a public form: no picture to read, a sum that the browser does while the person types.

A challenge is the form's token and the digest of the token and a number below `MOST`; whoever finds the number has
worked for it. It is drawn from the token with the installation's secret, so nothing is kept. Without a script there is
a slower way: a second token, good only after a while. Pure; the moment, the nonce and the secret are passed in.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

Way = Literal["quick", "slow"]
ProofVerdict = Literal["good", "good_slow", "soon", "stale", "unproved"]

MOST: Final = 60_000  # numbers to try: a third of a second on a cheap telephone
LEAST_TYPING: Final = timedelta(seconds=3)
SLOW: Final = timedelta(seconds=20)
LASTS: Final = timedelta(hours=12)
_WAYS: Final[dict[str, Way]] = {"q": "quick", "s": "slow"}
_TOKEN: Final = re.compile(r"([0-9a-f]{32})\.([0-9]{1,12})\.([qs])\.([0-9a-f]{32})")


@dataclass(frozen=True, slots=True)
class Challenge:
    """What a form carries: `token`, `digest` in hex, and how many numbers there are to try."""

    token: str
    digest: str
    most: int = MOST


def issue(secret: bytes, nonce: str, now: datetime, way: Way = "quick") -> Challenge:
    """A challenge for a form; `nonce`: 32 random hexadecimal digits."""
    said = f"{nonce}.{int(now.timestamp())}.{way[0]}"
    return again(secret, f"{said}.{_seal(secret, said)}")


def again(secret: bytes, token: str) -> Challenge:
    """The challenge of a token, for a form that is shown once more."""
    return Challenge(token, hashlib.sha256(f"{token}{solution(secret, token)}".encode()).hexdigest())


def judge(secret: bytes, token: str, found_number: str, now: datetime) -> ProofVerdict:
    """What a form is worth that came with this token and this number."""
    found = _TOKEN.fullmatch(token)
    if found is None or not hmac.compare_digest(_seal(secret, token.rpartition(".")[0]), found[4]):
        return "stale"
    age = now.timestamp() - int(found[2])
    if not -60 <= age <= LASTS.total_seconds():
        return "stale"
    if _WAYS[found[3]] == "slow":
        return "good_slow" if age >= SLOW.total_seconds() else "soon"
    if not hmac.compare_digest(found_number[:10].encode("utf-8", "replace"), str(solution(secret, token)).encode()):
        return "unproved"
    return "good" if age >= LEAST_TYPING.total_seconds() else "soon"


def nonce_of(token: str) -> str:
    """The nonce of a token of ours: it names what its form says, so that sending it twice says it once."""
    return token.partition(".")[0]


def _seal(secret: bytes, said: str) -> str:
    return hmac.digest(secret, b"yinfeng.form:" + said.encode(), "sha256").hex()[:32]


def solution(secret: bytes, token: str) -> int:
    """The number that whoever works for it finds."""
    return int.from_bytes(hmac.digest(secret, b"yinfeng.proof:" + token.encode(), "sha256")[:8]) % MOST
