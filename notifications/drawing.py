"""How a room of notifications has its pages drawn, whoever draws them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from fastapi import Request
from fastapi.responses import HTMLResponse


class Page(Protocol):
    """Draws pages: in the language that the reader chose, else in the one `otherwise`."""

    def language(self, request: Request, otherwise: str | None = None) -> str: ...

    def __call__(
        self,
        request: Request,
        name: str,
        context: Mapping[str, Any] | None = None,
        status: int = 200,
        *,
        otherwise: str | None = None,
    ) -> HTMLResponse: ...
