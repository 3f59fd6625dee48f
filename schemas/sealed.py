"""A sealed event as all can read it who have no key: which of its person's lives it is of, and what is inside."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from schemas.catalogue import CATALOGUE
from schemas.errors import CannotOpen, FieldError
from schemas.marks import marked

SEALED: Final = "sealed"  # the extension attribute
SEAL_VERSION: Final = "1"
Event = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Seal:
    """`names`: fields of the data, and attributes with an `@` before them. `contents`: nonce and ciphertext."""

    life: int
    names: tuple[str, ...]
    contents: str


def seal_of(event: Event) -> Seal | None:
    """An event's seal; None where nothing is sealed. Raises CannotOpen where it is none that we made."""
    text = event.get(SEALED)
    if text is None:
        return None
    parts = text.split(".") if isinstance(text, str) else []
    if len(parts) != 4 or parts[0] != SEAL_VERSION or not parts[1].isdecimal() or len(parts[1]) > 9:
        raise CannotOpen("what is sealed has a form that this version doesn't know")
    return Seal(int(parts[1]), tuple(parts[2].split(",")), parts[3])


def sealed_elsewhere(fact: Any) -> FieldError | None:
    """What is wrong with a fact that comes sealed: what nobody can open is no data."""
    return FieldError(SEALED, "is what the platform itself writes") if SEALED in fact.event else None


def personal_names(event: Event) -> list[str]:
    """The personal fields of the data that an event gives, sealed or not."""
    fields = personal_fields(event["type"])
    held = seal_of(event)
    return [name for name in fields if name in event["data"] or (held is not None and name in held.names)]


def plain_data(event: Event) -> dict[str, Any]:
    """What an event's data says that is not personal."""
    fields = personal_fields(event["type"])
    return {name: value for name, value in event["data"].items() if name not in fields}


@cache
def personal_fields(type: str) -> tuple[str, ...]:
    """The personal fields of a type's data; of a type that is not known, none."""
    row = CATALOGUE.get(type)
    return marked(row.data, "personal") if row else ()
