"""Who takes tables away, and whose turn it is: some are read at a time, and nobody has all of those places."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import Any, Final

from fastapi import Depends, Request

from dashboard import exporting
from dashboard.parameters import Format
from dashboard.turnstile import Turnstile
from schemas.access import Authenticate, Caller

AT_ONCE: Final = 3  # tables that are read at a time: each holds a connection until it is whole
MOST_TABLES: Final = 2  # of one key or account: that wait for their turn, are read, or are not taken whole as yet
_SAID: Final = "{most} tables are being taken away already by this key or account; take this one when they are whole"


class Tables:
    """Of one web process: a second one gives as many places again."""

    def __init__(self, authenticate: Authenticate) -> None:
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._turnstile = Turnstile(MOST_TABLES, _SAID)
        self.form = self._make_form(authenticate)

    def turn(self, form: str) -> AbstractAsyncContextManager[Any]:
        """Waits until a table of this form may be read; what is none is read at once."""
        return self._turns if form in exporting.FORMATS else nullcontext()

    def _make_form(self, authenticate: Authenticate) -> Callable[..., AsyncIterator[str]]:
        async def form(
            request: Request, format: Format = None, caller: Caller = Depends(authenticate)
        ) -> AsyncIterator[str]:
            """The form that is asked for. The caller has a table of it until the answer has ended. Raises TooMany."""
            asked = format or exporting.asked_for(request)
            if asked not in exporting.FORMATS:
                yield asked
                return
            with self._turnstile.inside(caller.poster):
                yield asked

        return form
