"""What a person is called and how they are reached: as it is sealed in their row, and what they are searched by."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from schemas.errors import CannotOpen
from schemas.keyed import KeyedDigest
from storage.arrays import columns
from storage.database import Conn
from storage.ledger.ledger import JourneyKey
from storage.vault.keys import NewKeys, PersonKey
from storage.vault.master import Randomness
from storage.vault.searching import Graduated, found_by

Profile = dict[str, Any]
PersonColumns = tuple[Any, ...]  # of a person, by what they are read and searched

_NONCE: Final = 12
_WIDTH: Final = 10  # columns of a person that are drawn
_NOTHING: Final = (None,) * (_WIDTH - 2)  # is known of them
# What tells a profile from the one before: of its life and its nonce. The version before left out the star, and drew no
# namesakes; it took twice as much of it.
DRAWN_FROM: Final = "'*' || left({}, 10)"
_DRAW: Final = f"""
UPDATE vault.person p SET name = u.name, profile = u.profile, pinyin = u.pinyin, initials = u.initials,
    sought = string_to_array(u.sought, ' '), phone = u.phone, email = u.email, namesake = u.namesake,
    drawn = {DRAWN_FROM.format("u.profile")}
FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[],
            %s::text[]) AS u(campaign, candidate, name, profile, pinyin, initials, sought, phone, email, namesake)
WHERE p.campaign = u.campaign AND p.candidate = u.candidate
"""
# Who was seen to have no row gets one, with all that is known of them: one that another transaction made meanwhile is a
# conflict, and the key that this one sealed with is of no use then.
_ENTER: Final = f"""
INSERT INTO vault.person
    (campaign, candidate, key, name, profile, pinyin, initials, sought, phone, email, namesake, drawn)
SELECT campaign, candidate, key, name, profile, pinyin, initials, string_to_array(sought, ' '), phone, email, namesake,
    {DRAWN_FROM.format("profile")}
FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[],
            %s::text[], %s::text[])
    AS u(campaign, candidate, name, profile, pinyin, initials, sought, phone, email, namesake, key)
"""
# Who is worked on is drawn by whoever does.
UNDRAWN: Final = """
SELECT p.campaign, p.candidate, p.profile, j.state
FROM vault.person p LEFT JOIN journeys j USING (campaign, candidate)
WHERE (p.campaign, p.candidate) > (%s, %s) AND p.profile IS NOT NULL
  AND p.drawn IS DISTINCT FROM '*' || left(p.profile, coalesce(length(p.drawn), 1) - 1)
ORDER BY p.campaign, p.candidate LIMIT %s FOR UPDATE OF p SKIP LOCKED
"""


def sealed(profile: Profile, key: PersonKey, whose: JourneyKey, randomness: Randomness) -> str:
    """A profile as it is kept, under its person's key."""
    assert key.key is not None
    nonce = randomness(_NONCE)
    ciphertext = AESGCM(key.key).encrypt(nonce, _encode(profile), _about(whose, key.life))
    return f"{key.life}.{base64.b64encode(nonce + ciphertext).decode()}"


def opened(text: str, key: PersonKey, whose: JourneyKey) -> Profile:
    """What was sealed; nothing where it is of a life that ended. Raises CannotOpen."""
    life, _, contents = text.partition(".")
    try:
        raw = binascii.a2b_base64(contents, strict_mode=True)
        if key.key is None or life != str(key.life):
            return {}
        return _decode(AESGCM(key.key).decrypt(raw[:_NONCE], raw[_NONCE:], _about(whose, key.life)))
    except (InvalidTag, ValueError) as error:
        raise CannotOpen(f"what is kept of {whose[1]} in {whose[0]} was sealed with another key") from error


def row_of(
    whose: JourneyKey, text: str | None, profile: Profile, keys: Mapping[str, KeyedDigest | None], graduated: Graduated
) -> PersonColumns:
    """What `draw` stores of a person whose profile this is, sealed as `text`."""
    found = found_by(profile, keys[whose[0]], graduated)
    hashes = (found.phone, found.email, found.namesake)
    return (*whose, profile.get("name"), text, found.pinyin, found.initials, " ".join(found.sought) or None, *hashes)


async def draw(conn: Conn, rows: Sequence[PersonColumns]) -> None:
    """Store what persons are read and searched by: rows of `row_of`, all locked."""
    await conn.execute(_DRAW, columns(rows, _WIDTH))


async def enter(conn: Conn, made: NewKeys, rows: Iterable[PersonColumns] = ()) -> None:
    """Let those who have no row yet have one with their key, and by rows of `row_of` with what they are read and
    searched by; none is `made` any more. In one order, so that two who enter the same persons don't wait for each
    other."""
    drawn = {row[:2]: row for row in rows}
    entered = [(*drawn.get(whose, (*whose, *_NOTHING)), made[whose]) for whose in sorted(made)]
    made.clear()
    if entered:
        await conn.execute(_ENTER, columns(entered, _WIDTH + 1))


def _about(whose: JourneyKey, life: int) -> bytes:
    return _encode(["profile", *whose, life])


_encode: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder(dict[str, Any]).decode
