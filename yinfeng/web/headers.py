"""Headers that every answer has, whoever gives it."""

from __future__ import annotations

from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

NO_STORE: Final = ("/v1/", "/metrics", "/messages", "/mailbox")  # what tells of people, or of what goes on
STRICT: Final = "max-age=31536000; includeSubDomains"


class Headers:
    """What tells of people is kept by nobody on the way; where the address is https (`strict`), browsers hold to it."""

    def __init__(self, app: ASGIApp, *, strict: bool) -> None:
        self._app, self._strict = app, strict

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def tell(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.setdefault("X-Content-Type-Options", "nosniff")
                if scope["path"].startswith(NO_STORE):
                    headers.setdefault("Cache-Control", "no-store")
                if self._strict:
                    headers["Strict-Transport-Security"] = STRICT
            await send(message)

        await self._app(scope, receive, tell if scope["type"] == "http" else send)
