"""What was typed into a form becomes values, or faults that are told beside their fields. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, time
from typing import Any, Final

from schemas.fields import is_email
from schemas.forms import Field, Form, Typed

LONGEST: Final = {"area": 4000}
_LONGEST: Final = 500
_PHONE: Final = re.compile(r"\+?[0-9][0-9 ()./-]{2,30}", re.ASCII)
_URL: Final = re.compile(r"https?://[^\s<>\"{}|\\^`]+")
_NUMBER: Final = re.compile(r"\d{1,15}(\.\d{1,4})?", re.ASCII)
_UNPRINTABLE: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\u2028\u2029\ufffe\uffff]")


@dataclass(slots=True)
class Read:
    """`values` by field, those left empty left out; `wrong`: what is wrong, by field, as the key of a text."""

    values: dict[str, Any] = field(default_factory=dict)
    wrong: dict[str, str] = field(default_factory=dict)


def first(typed: Typed, name: str) -> str:
    """What was typed into the first field of this name, or nothing."""
    return typed.get(name, [""])[0]


def read(form: Form, typed: Typed) -> Read:
    """Read the fields of a form."""
    found = Read()
    for each in form.fields:
        given = [text.strip() for text in typed.get(each.name, ()) if text.strip()]
        if not given:
            if each.required:
                found.wrong[each.name] = "form.required"
            continue
        fault = _take(found, each, given)
        if fault:
            found.wrong[each.name] = fault
    return found


def _take(found: Read, each: Field, given: list[str]) -> str | None:
    if each.kind == "checks":
        found.values[each.name] = given
        return None if isinstance(each.choices, str) or set(given) <= set(each.choices) else "form.bad.choice"
    text = given[0].replace("\r\n", "\n")
    if _UNPRINTABLE.search(text) or (each.kind != "area" and "\n" in text):
        return "form.bad.letters"
    if len(text) > LONGEST.get(each.kind, _LONGEST):
        return "form.bad.long"
    value = READERS[each.kind](text) if each.kind in READERS else text
    if value is None or (isinstance(each.choices, tuple) and each.choices and value not in each.choices):
        return f"form.bad.{each.kind}"
    found.values[each.name] = value
    return None


def _date(text: str) -> date | None:
    """By a picker, or as people type it: 2026-3-8, 2026/3/8, 2026年3月8日."""
    parts = re.fullmatch(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?", text, re.ASCII)
    try:
        day = date(*(int(part) for part in parts.groups())) if parts else None
    except ValueError:
        return None
    return day if day and 1900 <= day.year <= 2200 else None


def _time(text: str) -> time | None:
    parts = re.fullmatch(r"(\d{1,2})[:：](\d{2})(:\d{2})?", text, re.ASCII)
    try:
        return time(int(parts[1]), int(parts[2])) if parts else None
    except ValueError:
        return None


def _number(text: str) -> int | float | None:
    plain = text.replace(",", "").replace("，", "")
    if not _NUMBER.fullmatch(plain):
        return None
    return int(plain) if "." not in plain else float(plain)


def _matching(pattern: re.Pattern[str]) -> Callable[[str], str | None]:
    return lambda text: text if pattern.fullmatch(text) else None


READERS: Final[dict[str, Callable[[str], Any]]] = {
    "date": _date,
    "time": _time,
    "number": _number,
    "email": lambda text: text if is_email(text) else None,
    "tel": _matching(_PHONE),
    "url": _matching(_URL),
    "tick": lambda text: True,
}
