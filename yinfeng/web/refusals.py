"""Why something was refused, on the page for people, in their language."""

from __future__ import annotations

from typing import Final

from schemas.sentences import sentences_of

TOLD: Final = frozenset({400, 403, 409, 429})  # the others' details are for machines, or say nothing to a person


def why(status: int, detail: str, lang: str) -> str | None:
    """The reason as it is shown; None where there is none for people, or none in this language."""
    if status not in TOLD:
        return None
    said = sentences_of("yinfeng").said(detail, lang)
    return f"{said[:1].upper()}{said[1:]}" if said else None
