"""Employers as people type them: a name becomes the id that it stands for, and one that is nobody's is asked about
where it is near to somebody's."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any, Final

from producers.forms.making import Wrong
from schemas.names import finder, nearest
from storage.campaigns import employers
from storage.database import Conn

Row = dict[str, Any]

FIELDS: Final = ("employer", "only_employer", "employers")
NEW: Final = "new"  # the names that somebody was asked about, and says are new
MOST_EMPLOYERS: Final = 10_000
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
            _require_meant(field, [text for text in typed if not find(text) and text not in new], known)
            found[field] = "\n".join(find(text) or text for text in typed)
    return found


def _require_meant(field: str, strangers: list[str], known: Collection[str]) -> None:
    near = {each: name for each in strangers if (name := nearest(each, known)) is not None}
    if near:
        raise Wrong(field, "form.bad.near", near)
