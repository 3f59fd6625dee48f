"""Bodies of requests are bounded, whoever sends them and whatever they say of their length."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MOST_OF_A_FORM: Final = 1024 * 1024  # bytes
# These read more, in portions, and bound it themselves.
BOUNDED: Final = ("/v1/",)


class BodyLimit:
    """Refuses forms that are too large (413), and reads no further."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not scope["path"].startswith(BOUNDED):
            receive = _bounded(receive)
        await self._app(scope, receive, send)


def _bounded(receive: Receive) -> Receive:
    left = MOST_OF_A_FORM

    async def read() -> Message:
        nonlocal left
        message = await receive()
        left -= len(message.get("body", b""))
        if left < 0:
            raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"a form may have {MOST_OF_A_FORM} bytes")
        return message

    return read
