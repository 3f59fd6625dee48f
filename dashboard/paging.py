"""Lists in JSON, page by page."""

from __future__ import annotations

from typing import Any

from fastapi import Request, Response

from schemas.paging import DEFAULT_LIMIT, After, PageLimit, decode, next_link

Row = dict[str, Any]


class Paging:
    """`?limit=` and `?after=` of a request for a list; one row more than `limit` is to be read."""

    def __init__(
        self, request: Request, response: Response, limit: PageLimit = DEFAULT_LIMIT, after: After = None
    ) -> None:
        self._request, self._response, self.limit, self._after = request, response, limit, after

    def after(self, kind: Any, default: Any) -> Any:
        """The key of the last row of the page before. Raises Refused."""
        return decode(self._after, kind, default)

    def part(self, rows: list[Row], onward: str | None) -> list[Row]:
        """The rows; where the list goes on after this key, the answer says so."""
        if onward is not None:
            next_link(self._request, self._response, onward)
        return rows

    def cut(self, rows: list[Row], *key: str) -> list[Row]:
        """The rows of this page; where there are more, the answer says where they are."""
        if len(rows) > self.limit:
            last = [rows[self.limit - 1][name] for name in key]
            next_link(self._request, self._response, last[0] if len(last) == 1 else last)
        return rows[: self.limit]
