"""Whose address it is, in a campaign: people who sign up by themselves are known again by it.

What is known and what is not goes the same way, statement by statement, so that the time it takes tells nothing.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from typing import Final

from schemas.kinds import EMPLOYER_KINDS, HR_KINDS
from storage.arrays import column, columns
from storage.database import Conn
from storage.ledger.ledger import JourneyKey
from storage.vault.process import vault

# Who was signed up otherwise, and has had mail at this address, is the same person.
_CLAIM: Final = """
INSERT INTO addresses (campaign, digest, candidate)
SELECT %(campaign)s::text, %(digest)s::bytea, coalesce((
    SELECT m.candidate FROM messages m
    WHERE (m.address = %(known)b::bytea OR lower(m.recipient) = %(address)s::text) AND m.forgotten IS NOT TRUE
      AND m.campaign = %(campaign)s::text
      AND m.candidate IS NOT NULL AND m.kind <> ALL(%(others)s::text[]) ORDER BY m.id DESC LIMIT 1), %(fresh)s::text)
ON CONFLICT (campaign, digest) DO UPDATE SET claimed_at = now()
RETURNING candidate
"""
_MOVE: Final = "UPDATE addresses SET candidate = %s, claimed_at = now() WHERE campaign = %s AND digest = %s"
_FORGET: Final = """
DELETE FROM addresses WHERE (campaign, candidate) IN (SELECT * FROM unnest(%s::text[], %s::text[]))
"""
_LEAVE: Final = "DELETE FROM addresses WHERE campaign = %s AND candidate = %s"


class Addresses:
    """Knows addresses by their digests alone; `secret`: the installation's."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    async def claim(self, conn: Conn, campaign: str, address: str, fresh: str) -> str:
        """The candidate who has this address in a campaign: `fresh` where nobody had."""
        values = {
            "campaign": campaign,
            "digest": self._digest(address),
            "address": address.lower(),
            "known": (await vault().keeper(conn)).address(address),
            "fresh": fresh,
            "others": column([*HR_KINDS, *EMPLOYER_KINDS]),
        }
        row = await (await conn.execute(_CLAIM, values)).fetchone()
        return str(row[0]) if row else fresh

    async def move(self, conn: Conn, campaign: str, address: str, to: str) -> None:
        """The address is another's by now."""
        await conn.execute(_MOVE, [to, campaign, self._digest(address)])

    def _digest(self, address: str) -> bytes:
        return hmac.digest(self._secret, b"yinfeng.address:" + address.lower().encode(), "sha256")


async def leave(conn: Conn, campaign: str, candidate: str) -> None:
    """A person has another address from now on."""
    await conn.execute(_LEAVE, [campaign, candidate])


async def forget(conn: Conn, keys: Iterable[JourneyKey]) -> None:
    """These persons' addresses are nobody's any more."""
    await conn.execute(_FORGET, columns(list(keys), 2))
