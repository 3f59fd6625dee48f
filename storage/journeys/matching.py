"""A target's `where` as conditions of SQL on journeys, as far as they can be said there."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import msgspec

TEXT = "convert_from(j.state, 'UTF8')"
DOCUMENT = f"{TEXT}::json"

_encode = msgspec.json.Encoder().encode


def conditions(
    attributes: Mapping[str, Collection[str]], fairs: Collection[str] | None
) -> tuple[list[str], dict[str, str | list[str]]]:
    """Conditions on a journey `j` with a `state`, and the values that they name: its attributes are among these (as
    text), and it signed up for or came to one of the fairs."""
    found: list[str] = []
    values: dict[str, str | list[str]] = {}
    for nth, (name, wanted) in enumerate(sorted(attributes.items())):
        said = {f"said{nth}_{each}": _encode(value).decode()[1:-1] for each, value in enumerate(sorted(wanted))}
        # Where the text does not hold a value at all, it need not be read as JSON, which is most of the work.
        held = " OR ".join(f"strpos({TEXT}, %({key})s) > 0" for key in said) or "false"
        found.append(
            f"CASE WHEN {held} THEN {DOCUMENT} #>> %(path{nth})s::text[] = ANY(%(values{nth})s) ELSE false END"
        )
        values |= {**said, f"path{nth}": ["attributes", name, "value"], f"values{nth}": sorted(wanted)}
    if fairs is not None:
        there = "EXISTS (SELECT FROM json_object_keys({}->'{}') AS k WHERE k = ANY(%(fairs)s))"
        found.append("(" + " OR ".join(there.format(DOCUMENT, part) for part in ("fairs", "checkins")) + ")")
        values["fairs"] = sorted(fairs)
    return found, values
