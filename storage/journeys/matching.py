"""A target's `where` as conditions of SQL on journeys, as far as they can be said there."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import msgspec

from storage.journeys.states import IS_PLAIN
from storage.journeys.tags import DIGEST, LONGEST, PAID, exact

_TEXT = "convert_from(j.state, 'UTF8')"
_DOCUMENT = f"{_TEXT}::json"
_TAGGED = f"CASE WHEN {IS_PLAIN.format('j.')} THEN {{plain}} ELSE j.tags::text[] && %({{tags}})s::text[] END"

_encode = msgspec.json.Encoder().encode


def conditions(
    attributes: Mapping[str, Collection[str]], fairs: Collection[str] | None
) -> tuple[list[str], dict[str, Any]]:
    """Conditions on a journey `j` with a `state` and `tags`, and the values that they name: its attributes are among
    these (as text), and it signed up for or came to one of the fairs."""
    found: list[str] = []
    values: dict[str, Any] = {}
    for nth, (name, wanted) in enumerate(sorted(attributes.items())):
        said = {f"said{nth}_{each}": _encode(value).decode()[1:-1] for each, value in enumerate(sorted(wanted))}
        # Where the text does not hold a value at all, it need not be read as JSON, which is most of the work.
        held = " OR ".join(f"strpos({_TEXT}, %({key})s) > 0" for key in said) or "false"
        plain = f"CASE WHEN {held} THEN {_DOCUMENT} #>> %(path{nth})s::text[] = ANY(%(values{nth})s) ELSE false END"
        found.append(_TAGGED.format(plain=plain, tags=f"tags{nth}"))
        tags = [exact(name, value) for value in sorted(wanted)]
        values |= {**said, f"path{nth}": ["attributes", name, "value"], f"values{nth}": sorted(wanted)}
        values[f"tags{nth}"] = tags
    if fairs is not None:
        there = "EXISTS (SELECT FROM json_object_keys({}->'{}') AS k WHERE k = ANY(%(fairs)s))"
        plain = "(" + " OR ".join(there.format(_DOCUMENT, part) for part in ("fairs", "checkins")) + ")"
        found.append(_TAGGED.format(plain=plain, tags="of_fairs"))
        values |= {"fairs": sorted(fairs), "of_fairs": [exact("fair", fair) for fair in sorted(fairs)]}
    return found, values


def exact_tag(kind: str, value: str) -> str:
    """`tags.exact` of a text, in SQL."""
    rest = f"'~' || left(encode(sha256(convert_to({value}, 'UTF8')), 'hex'), {DIGEST})"
    return f"'{kind}:' || left({value}, {LONGEST}) || CASE WHEN length({value}) >= {LONGEST} THEN {rest} ELSE '' END"


def has_paid() -> str:
    """Whether a journey `j` may have payments, in SQL."""
    plain = f'strpos({_TEXT}, \'"payments":{{"\') > 0'
    return f"CASE WHEN {IS_PLAIN.format('j.')} THEN {plain} ELSE j.tags @> ARRAY['{PAID}'::varchar] END"
