"""Journeys as they are stored: JSON in which the stamp of the latest signup stands once.

All that a signup says has its stamp. It stands at the end, as `stamp`, between tabs, which JSON itself spells out; and
wherever it belongs there is its mark, `[0]`. So what is stored stays JSON, whose values SQL reads where they always
were. A journey that says `[0]` itself is stored plainly, as those of earlier versions are.
"""

from __future__ import annotations

from typing import Final

import msgspec

from schemas.journey import Journey

_MARK: Final = b"[0]"
_STAMP: Final = b',"stamp":'
_encode: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder(Journey).decode


def stored_state(journey: Journey) -> bytes:
    """A journey as it is stored."""
    plain = _encode(journey)
    if journey.last_signup is None or _MARK in plain:
        return plain
    stamp = _encode(journey.last_signup)
    return b"%b%b\t%b\t}" % (plain[:-1].replace(stamp, _MARK), _STAMP, stamp)


def read_state(state: bytes) -> Journey:
    """The journey again, also one that an earlier version stored."""
    body, _, stamp = state.partition(b"\t")
    return _decode(body[: -len(_STAMP)].replace(_MARK, stamp[:-2]) + b"}" if stamp else state)


def whole_text(text: str) -> str:
    """A state in plain JSON, in SQL, of the expression `text`: for those who read stamps there. It has no braces."""
    return f"""(SELECT CASE WHEN a[2] IS NULL THEN a[1]
    ELSE replace(left(a[1], -{len(_STAMP)}), '{_MARK.decode()}', a[2]) || chr(125) END
    FROM string_to_array({text}, chr(9)) AS a)"""
