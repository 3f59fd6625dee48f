"""The rows of the list: what a reader may know of each, and its columns as people read them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from dashboard.drawing import TextOf
from dashboard.formats import Formats
from dashboard.naming import Names
from dashboard.workbook import CellValue
from storage.database import Conn
from storage.journeys import people
from storage.journeys.narrowing import Wanted
from storage.journeys.people import Person
from storage.journeys.tags import employers, offer_ends, stage
from storage.vault.process import vault

Row = dict[str, Any]
PORTION: Final = 200  # rows of an export: others are served between two portions
ATTRIBUTES: Final = ("education", "school", "major", "graduation_year", "chain")
REACHED_BY: Final = ("email", "phone")


async def rows(
    conn: Conn, campaign: str, wanted: Wanted, *, after: str = "", limit: int
) -> tuple[list[Row], str | None]:
    """The next candidates by id, each with what `wanted.sees` may know of them; and after whom the list goes on, None
    at its end (see people.Stretch)."""
    part = await people.listed(conn, campaign, wanted, after=after, limit=limit)
    profiles = await vault().profiles(conn, [(campaign, each.candidate) for each in part.people])
    found = [_row(each, profiles.get((campaign, each.candidate), {}), wanted.sees) for each in part.people]
    return found, part.onward


async def all_rows(conn: Conn, campaign: str, wanted: Wanted) -> AsyncIterator[Row]:
    """All of them."""
    after: str | None = ""
    while after is not None:
        portion, after = await rows(conn, campaign, wanted, after=after, limit=PORTION)
        for row in portion:
            yield row


def _row(person: Person, profile: Mapping[str, Any], sees: str | None) -> Row:
    journey = person.journey
    return {
        "candidate": person.candidate,
        "name": person.name,
        "stage": stage(journey, person.standing),
        "withdrawn": journey.withdrawn,
        "erased": journey.erased,
        **{name: journey.attribute(name) for name in ATTRIBUTES},
        "fairs": sorted(journey.fairs.keys() | journey.checkins.keys()),
        "employers": sorted(each for each in employers(journey) if sees in (None, each)),
        "offer_ends": offer_ends(journey, sees),
        **{name: profile.get(name) for name in REACHED_BY},
        "updated_at": person.updated_at,
    }


@dataclass(frozen=True, slots=True)
class Reader:
    """Draws cells for a reader: `text` in the language of `names`."""

    text: TextOf
    names: Names

    def head(self, column: str) -> str:
        """What a column is called."""
        return self.text(self.names.lang, HEADS[column])

    def cell(self, row: Row, column: str) -> CellValue:
        """What stands in a column."""
        return DRAWN.get(column, _plain)(self, row, column)

    def drawn(self, row: Row, columns: Sequence[str]) -> Row:
        """What a page shows of a row: who it is, and by column what stands there."""
        cells = {each: self.cell(row, each) for each in columns}
        return {"candidate": row["candidate"], "stage": row["stage"], "name": cells.pop("name"), "cells": cells}

    def moment(self, value: datetime) -> str:
        """A day with the time of day, where the campaign is."""
        return Formats(self.names.lang).moment(value, self.names.zone)


def called(row: Row, text: TextOf, lang: str) -> str:
    """What a row's person is called; their id where nobody told a name, or nobody may know it any more."""
    return row["name"] or text(lang, "candidate.nameless").format(candidate=row["candidate"])


def _plain(reader: Reader, row: Row, column: str) -> CellValue:
    value: CellValue = row[column]
    return "" if value is None else value


def _stage(reader: Reader, row: Row, column: str) -> CellValue:
    away = "erased" if row["erased"] else "withdrew" if row["withdrawn"] else None
    said = [each for each in dict.fromkeys([row["stage"], away]) if each]
    lang = reader.names.lang
    return Formats(lang).listed([reader.text(lang, STAGE_TEXTS.get(each, f"measure.{each}")) for each in said])


def _education(reader: Reader, row: Row, column: str) -> CellValue:
    return reader.text(reader.names.lang, f"value.{row[column]}") if row[column] else ""


def _fairs(reader: Reader, row: Row, column: str) -> CellValue:
    return Formats(reader.names.lang).listed([reader.names.fair(each) for each in row[column]])


def _employers(reader: Reader, row: Row, column: str) -> CellValue:
    return Formats(reader.names.lang).listed([reader.names.employer(each) for each in row[column]])


def _moment(reader: Reader, row: Row, column: str) -> CellValue:
    return reader.moment(row[column]) if row[column] else ""


def _called(reader: Reader, row: Row, column: str) -> CellValue:
    return called(row, reader.text, reader.names.lang)


STAGE_TEXTS: Final = {"withdrew": "candidate.withdrawn", "erased": "fact.candidate.erased"}
# The columns that there are, by the key of what they are called; the name is there always.
HEADS: Final[dict[str, str]] = {
    "name": "key.name",
    "stage": "people.column.stage",
    "education": "key.education",
    "school": "key.school",
    "major": "key.major",
    "graduation_year": "key.graduation_year",
    "chain": "key.chain",
    "fairs": "fairs.title",
    "employers": "employers.title",
    "offer_ends": "people.column.offer_ends",
    "phone": "key.phone",
    "email": "key.email",
    "candidate": "people.column.id",
    "updated_at": "people.column.updated_at",
}
CHOSEN_FIRST: Final = ("stage", "education", "school", "employers")
DRAWN: Final[dict[str, Callable[[Reader, Row, str], CellValue]]] = {
    "name": _called,
    "stage": _stage,
    "education": _education,
    "fairs": _fairs,
    "employers": _employers,
    "offer_ends": _moment,
    "updated_at": _moment,
}


def chosen(columns: Sequence[str]) -> list[str]:
    """The columns of a list, in their order: those that were chosen, else a few; the name first."""
    wanted = [each for each in HEADS if each in columns] or list(CHOSEN_FIRST)
    return ["name", *(each for each in wanted if each != "name")]
