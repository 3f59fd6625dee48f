"""What a campaign's own facts are about, as people call it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dashboard.languages import Lang
from dashboard.naming import Names, names_of
from storage.campaigns import reads
from storage.database import Conn

Row = dict[str, Any]
TARGETS = 2000


async def with_subjects(conn: Conn, about: Row, lang: Lang, facts: Sequence[Row]) -> list[Row]:
    """These facts, each with what it is `about`; None where its own name says all."""
    names = await names_of(conn, about, lang, facts)
    titles = {row["target"]: row["title"] for row in await reads.targets(conn, about["campaign"], limit=TARGETS)}
    return [{**fact, "about": _subject(fact["data"], names, titles)} for fact in facts]


def _subject(data: Mapping[str, Any], names: Names, titles: Mapping[str, str]) -> str | None:
    if "position" in data:
        return f"{names.employer(data['employer'])} · {data['position']}"
    for key in ("title", "name"):
        if key in data:
            return str(data[key])
    if "target" in data:
        return titles.get(data["target"], str(data["target"]))
    return names.fair(data["fair"]) if "fair" in data else None
