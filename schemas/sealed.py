"""A sealed event as all can read it who have no key: which of its person's lives it is of, and what is inside."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from schemas.catalogue import CATALOGUE
from schemas.errors import FieldError
from schemas.marks import marked

SEALED: Final = "sealed"  # the extension attribute
SEAL_VERSION: Final = "1"
ENTRY_VERSION: Final = "2"  # sealed for the platform by who has no key of the person
# What is part of a message's reason: the same terms of an offer are not told twice, others are.
COMPARED: Final = frozenset({"salary", "contact", "document", "papers"})
Event = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Seal:
    """`said`: what is inside, with digests, as it stands in the event. `contents`: nonce and ciphertext."""

    life: int
    said: str
    contents: str

    @property
    def names(self) -> tuple[str, ...]:
        """Fields of the data, and attributes with an `@` before them."""
        names = self.said.split(",")
        return tuple(names) if "~" not in self.said else tuple(each.partition("~")[0] for each in names)

    @property
    def digests(self) -> dict[str, str]:
        """By name, of what is compared: equal where the same was said of the same person, and nothing else."""
        pairs = (each.partition("~") for each in self.said.split(","))
        return {name: digest for name, _, digest in pairs if digest}


def seal_of(event: Event) -> Seal | None:
    """An event's seal; None where nothing is sealed, whatever an attribute of that name says: before there were seals,
    anybody might have one."""
    text = event.get(SEALED)
    if not isinstance(text, str):
        return None
    parts = text.split(".")
    if len(parts) != 4 or parts[0] != SEAL_VERSION or not parts[1].isdecimal() or len(parts[1]) > 9:
        return None
    return Seal(int(parts[1]), parts[2], parts[3])


@dataclass(frozen=True, slots=True)
class EntrySeal:
    """A seal for the platform: with which of its keys, which names are inside, and the contents."""

    key: str
    said: str
    contents: str


def entry_seal_of(event: Event) -> EntrySeal | None:
    """An event's seal for the platform; None where it has none."""
    text = event.get(SEALED)
    parts = text.split(".") if isinstance(text, str) else []
    return EntrySeal(*parts[1:]) if len(parts) == 4 and parts[0] == ENTRY_VERSION else None


def sealed_elsewhere(fact: Any) -> FieldError | None:
    """What is wrong with a fact that comes sealed: what nobody can open is no data."""
    return FieldError(SEALED, "is what the platform itself writes") if SEALED in fact.event else None


def personal_names(event: Event) -> list[str]:
    """The personal fields of the data that an event gives, sealed or not."""
    fields, data = personal_fields(event["type"]), event["data"]
    held = seal_of(event) if SEALED in event else None
    if held is None:
        return [name for name in fields if name in data]
    sealed = held.names
    return [name for name in fields if name in data or name in sealed]


def compared(event: Event, names: Iterable[str]) -> list[Any]:
    """What a fact says under these names, for telling the same from something else: where it is sealed, its digest."""
    held, data = seal_of(event), event["data"]
    digests = held.digests if held else {}
    return [data.get(name) or digests.get(name) for name in names]


@cache
def personal_fields(type: str) -> tuple[str, ...]:
    """The personal fields of a type's data; of a type that is not known, none."""
    row = CATALOGUE.get(type)
    return marked(row.data, "personal") if row else ()
