"""How things are called where people read: by name, in their language; by id only where nobody gave a name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def called(row: Mapping[str, Any] | None, locale: str, otherwise: str) -> str:
    """What an employer, whose stored row this is, is called in a language; `otherwise` while nobody has named it."""
    if row is None:
        return otherwise
    return str((row.get("name_en") if locale == "en" else None) or row["name"])
