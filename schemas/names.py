"""How things are called where people read: by name, in their language; by id only where nobody gave a name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any


def called(row: Mapping[str, Any] | None, locale: str, otherwise: str) -> str:
    """What an employer, whose stored row this is, is called in a language; `otherwise` while nobody has named it."""
    if row is None:
        return otherwise
    return str((row.get("name_en") if locale == "en" else None) or row["name"])


def masked(address: str) -> str:
    """Enough of an address to know it again by."""
    local, _, domain = address.rpartition("@")
    return f"{local[:1]}…{local[-1:] if len(local) > 2 else ''}@{domain}"


def by_name(rows: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """The ids of employers by what they are called in any language, as far as a name is one employer's alone, and no
    other's id."""
    known = list(rows)
    found: dict[str, set[str]] = {str(row["employer"]): {str(row["employer"])} for row in known}
    for row in known:
        for name in (row["name"], row.get("name_en")):
            if name:
                found.setdefault(str(name), set()).add(str(row["employer"]))
    return {name: next(iter(ids)) for name, ids in found.items() if len(ids) == 1}
