"""How a room of notifications has its pages drawn, whoever draws them; and kept English said in Chinese."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
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


def in_chinese(said: str, like: Sequence[tuple[re.Pattern[str], str]], words: Mapping[str, str]) -> str:
    """What is kept in English as it is shown: by the first pattern that it is like, or as it stands. What varies goes
    where the Chinese has its number, by `words` where they have it."""
    for pattern, chinese in like:
        if found := pattern.fullmatch(said):
            return chinese.format(*(words.get(each, each) for each in found.groups(default="")))
    return said
