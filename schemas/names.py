"""How things are called where people read: by name, in their language; by id only where nobody gave a name."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from itertools import islice
from typing import Any, Final

ALIKE: Final = 0.75  # of two names: so much of them in common, in order
MOST_COMPARED: Final = 1000  # names: each takes some microseconds
_COMPANY: Final = re.compile("(股份|责任)?有限(责任)?公司$")  # says nothing of which one it is


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
    return _of_one(_ids(rows))


def _ids(rows: Iterable[Mapping[str, Any]]) -> dict[str, set[str]]:
    known = list(rows)
    found: dict[str, set[str]] = {str(row["employer"]): {str(row["employer"])} for row in known}
    for row in known:
        for name in (row["name"], row.get("name_en")):
            if name:
                found.setdefault(str(name), set()).add(str(row["employer"]))
    return found


def _of_one(ids: Mapping[str, set[str]]) -> dict[str, str]:
    return {name: next(iter(theirs)) for name, theirs in ids.items() if len(theirs) == 1}


def folded(name: str) -> str:
    """A name without what people type one way or another: 博世(中国) is 博世（中国）, BOSCH  china is Bosch China."""
    return "".join(unicodedata.normalize("NFKC", name).casefold().split())


def finder(rows: Iterable[Mapping[str, Any]]) -> Callable[[str], str | None]:
    """What finds an employer's id by what somebody typed: by name or id, letter by letter or but for width, case and
    spaces. None where nobody is called so, or several are."""
    ids = _ids(rows)
    alike: dict[str, set[str]] = {}
    for name, theirs in ids.items():
        alike.setdefault(folded(name), set()).update(theirs)
    exact, only = _of_one(ids), _of_one(alike)
    return lambda typed: exact.get(typed) or only.get(folded(typed))


def neighbours(names: Iterable[str]) -> Callable[[str], str | None]:
    """What finds the name that somebody may have meant who typed one that is nobody's; None where none is near."""
    known = [(name, folded(name), _own(name)) for name in islice(names, MOST_COMPARED)]

    def nearest(typed: str) -> str | None:
        said = folded(typed)
        others = {own: name for name, whole, own in known if whole != said}
        return next((others[each] for each in get_close_matches(_own(typed), others, n=1, cutoff=ALIKE)), None)

    return nearest


def _own(name: str) -> str:
    return _COMPANY.sub("", folded(name))
