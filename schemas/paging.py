"""Lists in pages, over HTTP: `?limit=` and `?after=`, and the link to the next page."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Annotated, Any, Final
from urllib.parse import quote

import msgspec
from fastapi import Query, Request, Response

from schemas.errors import FieldError, Refused

DEFAULT_LIMIT: Final = 100
MAX_LIMIT: Final = 10_000

PageLimit = Annotated[int, Query(ge=1, le=MAX_LIMIT, description="How many at most.")]
MOST: Final = 3000  # characters of a key: two ids of four bytes a character, and a moment
_ZERO: Final = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")

After = Annotated[str | None, Query(max_length=MOST, description="From the link to the next page.")]


def next_link(request: Request, response: Response, last: Any) -> None:
    """Say where the list goes on: after `last`, the key of the last row told (JSON values)."""
    url = request.url.include_query_params(after=encode(last))
    response.headers["Link"] = f'<{quote(url.path)}?{url.query}>; rel="next"'


def encode(key: Any) -> str:
    """A key as a word that fits into an address."""
    return base64.urlsafe_b64encode(msgspec.json.encode(key)).decode().rstrip("=")


def decode(word: str | None, kind: Any, default: Any) -> Any:
    """The key that `encode` made a word of; `default` for none. Raises Refused for a word that is no key."""
    if word is None:
        return default
    try:
        raw = base64.urlsafe_b64decode(word + "=" * (-len(word) % 4))
        key = msgspec.json.decode(raw, type=kind)
        if _ZERO.search(raw):
            raise ValueError("no text has a zero character")
    except (binascii.Error, ValueError, msgspec.DecodeError) as error:
        wrong = [FieldError("after", "must be taken from a link to the next page as it is")]
        raise Refused("after: must be taken from a link to the next page as it is", wrong) from error
    return key
