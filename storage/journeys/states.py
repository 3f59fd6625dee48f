"""A journey as it stands in its row: packed, or in JSON as the version before reads it.

What journeys have alike, the names of their parts and how the same fact stands in several of them, is in a dictionary
that comes with the program. A journey can be read only with the dictionary that it was packed with: none is ever
changed or left out. A version that packs with another one reads those of before.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Final

import msgspec
from zstandard import ZstdCompressionDict, ZstdCompressor, ZstdDecompressor

from schemas.fields import FUNNEL
from schemas.journey import Journey

DICTIONARY: Final = "states_1.zdict"
_LEVEL: Final = 1
_JSON: Final = ord("{")  # how one begins that is not packed
IS_PLAIN: Final = f"get_byte({{}}state, 0) = {_JSON}"  # in SQL

_pack: Final = msgspec.msgpack.Encoder().encode
_unpack: Final = msgspec.msgpack.Decoder(Journey).decode
_decode: Final = msgspec.json.Decoder(Journey).decode

plain: Final = msgspec.json.Encoder().encode


def packed(journey: Journey) -> bytes:
    """The journey in few bytes."""
    return _own().compress(_pack(journey))


def read(state: bytes) -> Journey:
    """The journey again, in whichever form it is."""
    return _decode(state) if state[0] == _JSON else _unpack(_own().decompress(state))


def kept(standing: Mapping[str, int]) -> str:
    """What `reached` has of these milestones, in SQL. The funnel never widens: who stands at one stands at all before
    it."""
    return f"{{{str([standing[step] for step in FUNNEL[: len(standing)]])[1:-1]}}}"


def standing(kept: list[int] | dict[str, int]) -> dict[str, int]:
    """The milestones again, whichever way they were kept."""
    return kept if isinstance(kept, dict) else dict(zip(FUNNEL, kept, strict=False))


def stands(step: str, row: str = "j.") -> str:
    """Whether a journey stands at this milestone, in SQL."""
    return f"coalesce(cardinality({row}reached) > {FUNNEL.index(step)}, {row}standing ? '{step}')"


def since(step: str, row: str = "j.") -> str:
    """Since when it does, in microseconds since 1970, in SQL; NULL where it does not."""
    return f"coalesce({row}reached[{FUNNEL.index(step) + 1}], ({row}standing->>'{step}')::bigint)"


def standing_of(row: str) -> str:
    """What `standing` is given, in SQL."""
    return f"coalesce(to_jsonb({row}.reached), {row}.standing) AS standing"


class _Own(threading.local):
    """What one thread packs and unpacks with: neither may be used by two at once."""

    def __init__(self) -> None:
        known = ZstdCompressionDict((resources.files("storage") / "journeys" / DICTIONARY).read_bytes())
        known.precompute_compress(level=_LEVEL)
        self.compress = ZstdCompressor(dict_data=known).compress
        self.decompress = ZstdDecompressor(dict_data=known).decompress


@cache
def _own() -> _Own:
    return _Own()
