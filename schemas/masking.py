"""Words of others, such as a mail server's answer, where no address and no telephone number may stand."""

from __future__ import annotations

import re
from typing import Final

_HIDDEN: Final = (
    (re.compile(r"[^\s@,;:<>\"'()\\\[\]{}=]{1,64}@[^\s@,;:<>\"'()\\\[\]{}/]{1,185}\.[^\W\d_]{2,63}"), "[address]"),
    (re.compile(r"(?<![0-9A-Za-z])(?:\+?86[- ]?)?1[3-9]\d[- ]?\d{4}[- ]?\d{4}(?![0-9A-Za-z])"), "[number]"),
)


def masked(text: str) -> str:
    """The text without addresses and telephone numbers."""
    for pattern, instead in _HIDDEN:
        text = pattern.sub(instead, text)
    return text
