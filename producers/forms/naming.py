"""Employers as people type them: a name becomes the id that it stands for, and one that is nobody's is asked about
where it is near to somebody's."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Collection, Sequence
from typing import Any, Final

from producers.forms.sent import Wrong
from schemas.names import finder, neighbours
from storage.campaigns import employers
from storage.database import Conn

Row = dict[str, Any]

FIELDS: Final = ("employer", "only_employer", "employers")
NEW: Final = "new"  # the names that somebody was asked about, and says are new
MOST_EMPLOYERS: Final = 10_000
MOST_ASKED: Final = 200  # new names that are compared: each takes some milliseconds
_BETWEEN: Final = re.compile(r"[\n,，;；]")


async def with_ids(conn: Conn, campaign: str, values: Row, new: Collection[str]) -> Row:
    """Names as the ids that they stand for; what is no name is an id. Raises Wrong for names that are nobody's, but
    near to somebody's, unless they are said to be `new`."""
    named = await employers.listed(conn, campaign, limit=MOST_EMPLOYERS)
    spoken = [{"employer": each, "name": each} for each in await employers.spoken_of(conn, campaign)]
    find = finder([*spoken, *named])
    known = dict.fromkeys(
        [str(name) for row in named for name in (row["name"], row["name_en"]) if name]
        + [each["employer"] for each in spoken]
    )
    found = dict(values)
    for field in FIELDS:
        if field in values:
            typed = (
                [text.strip() for text in _BETWEEN.split(values[field])] if field == "employers" else [values[field]]
            )
            typed = [text for text in typed if text]
            strangers = [text for text in dict.fromkeys(typed) if not find(text) and text not in new]
            # Names that are compared hold up nobody else.
            if strangers and (meant := await asyncio.to_thread(_near, strangers, known)):
                raise Wrong(field, "form.bad.near", meant)
            found[field] = "\n".join(find(text) or text for text in typed)
    return found


def near(strangers: Sequence[str], nearest: Callable[[str], str | None]) -> dict[str, str]:
    """Which of these names, so many at most, may be somebody's whom `nearest` finds, with that one's."""
    return {each: name for each in strangers[:MOST_ASKED] if (name := nearest(each)) is not None}


def _near(strangers: Sequence[str], known: Collection[str]) -> dict[str, str]:
    return near(strangers, neighbours(known))
