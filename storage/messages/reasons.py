"""The reasons of messages as they are stored: short, and those of one person together.

A reason's key (`schemas.messages.dedupe_key`) has a name and 40 digits; what is stored of it is 23 characters: three by
whose it is, and 20 (120 bits) by the key, all of SHA-256. By the first three, what one person's facts ask for stands on
one or two pages of the index, instead of one for each message all over it. That two reasons of one person share a key
takes 2^60 tries by whoever may name what is theirs, and then one message of that person is not asked for; among ten
thousand million messages it comes about by chance once in 10^21 such databases.

Keys of before have a colon. They stay as they are, and are looked for as well where there are any.
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
_OF_KEY: Final = 20
_URL_SAFE: Final = bytes.maketrans(b"+/", b"-_")
_AT_HAND: Final = 4096  # persons; a batch asks for some messages to each
# Whether a message is asked for already under this reason, as it is stored now or was before.
LONG_ONES: Final = "(SELECT EXISTS (SELECT FROM secrets WHERE name = 'long_reasons'))"


def stored(key: str, campaign: str, candidate: str | None) -> str:
    """What is stored of a reason's key."""
    return _person(campaign, candidate) + _digest(key)[:_OF_KEY]


def stored_of(requests: Iterable[MessageRequest]) -> list[str]:
    """The same for requests, in their order."""
    return [stored(each.dedupe_key, each.campaign, each.candidate) for each in requests]


def person_of(stored: str) -> str:
    """By whose reason it is, what all that is stored of theirs begins with."""
    return stored[:_OF_PERSON]


@lru_cache(_AT_HAND)
def _person(campaign: str, candidate: str | None) -> str:
    return _digest(fact_key(campaign, candidate))[:_OF_PERSON]


def _digest(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()[:15]
    return b2a_base64(digest, newline=False).translate(_URL_SAFE).decode()
