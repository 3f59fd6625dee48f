"""The reasons of messages as they are stored: short, and those of one person together.

A reason's key (`schemas.messages.dedupe_key`) has a name and 40 digits; what is stored of it is 15 characters: three by
whose it is, and 12 (72 bits) by the key, all of SHA-256. By the first three, what one person's facts ask for stands on
one or two pages of the index, instead of one for each message all over it. That two reasons of one person share a key
takes 2^36 tries by whoever may name what is theirs, and then one message of that person is not asked for; that a reason
of theirs shares a given one's, 2^72. Among ten thousand million messages it comes about by chance once in 25 million
such databases.

Keys of before stay as they are, since messages' names go by them, and are looked for as well where there are any: those
of 23 characters, which begin with the same 15, and those that are whole, with a colon.
"""

from __future__ import annotations

import hashlib
from binascii import b2a_base64
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from schemas.facts import fact_key
from schemas.messages import MessageRequest

_OF_PERSON: Final = 3  # characters, six bits each
_SHORT: Final = 15
_URL_SAFE: Final = bytes.maketrans(b"+/", b"-_")
_AT_HAND: Final = 4096  # persons; a batch asks for some messages to each
# Whether a message may have been asked for under this reason as it was stored before: whole, or in 23 characters.
WHOLE_ONES: Final = "(SELECT EXISTS (SELECT FROM secrets WHERE name = 'long_reasons'))"
WIDE_ONES: Final = "(SELECT EXISTS (SELECT FROM secrets WHERE name = 'wide_reasons'))"


def short(wide: str) -> str:
    """What is stored of a reason's key, in SQL: of `wide`, what was stored of it before."""
    return f"left({wide}, {_SHORT})"


def stored(key: str, campaign: str, candidate: str | None) -> str:
    """What is stored of a reason's key."""
    return wide(key, campaign, candidate)[:_SHORT]


def wide(key: str, campaign: str, candidate: str | None) -> str:
    """What was stored of it before."""
    return _person(campaign, candidate) + _digest(key)


def forms(key: str, campaign: str, candidate: str | None) -> tuple[str, str, str]:
    """As what a reason's key may be stored: short, wide and whole."""
    before = wide(key, campaign, candidate)
    return before[:_SHORT], before, key


def wide_of(requests: Iterable[MessageRequest]) -> list[str]:
    """What was stored before of the keys of requests, in their order."""
    return [wide(each.dedupe_key, each.campaign, each.candidate) for each in requests]


def short_of(wide: str) -> str:
    """What is stored of a reason's key, of what was stored of it before."""
    return wide[:_SHORT]


def person_of(stored: str) -> str:
    """By whose reason it is, what all that is stored of theirs begins with."""
    return stored[:_OF_PERSON]


@lru_cache(_AT_HAND)
def _person(campaign: str, candidate: str | None) -> str:
    return _digest(fact_key(campaign, candidate))[:_OF_PERSON]


def _digest(text: str) -> str:
    """Twenty characters of six bits."""
    digest = hashlib.sha256(text.encode()).digest()[:15]
    return b2a_base64(digest, newline=False).translate(_URL_SAFE).decode()
