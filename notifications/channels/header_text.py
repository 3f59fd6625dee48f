"""Text that goes into the headers of a mail: one line, and nothing that a program would read as more than text."""

from __future__ import annotations

from typing import Final

MAX_LINE: Final = 900  # of a subject or a name, in characters
_KEPT: Final = frozenset("\u200c\u200d\ufe0f")  # joiners, in names of several scripts and in emoji
# So encoded words begin (RFC 2047), which the standard library would decode, line ends among them, whoever wrote them.
_ENCODED: Final = "=?"


def one_line(text: str) -> str:
    """On one line, of characters that can be seen or that order the others; encoded words are taken apart."""
    seen = (
        text if text.isprintable() else "".join(each if each.isprintable() or each in _KEPT else " " for each in text)
    )
    line = " ".join(seen.split())
    return line.replace(_ENCODED, "= ?")[:MAX_LINE]
