"""Requests are bounded: their bodies, whatever they say of their length, and how often they give a parameter."""

from __future__ import annotations

import asyncio
from collections import Counter
from http import HTTPStatus
from typing import Final
from urllib.parse import parse_qsl

from python_multipart.multipart import parse_options_header
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from yinfeng.web.problems import problem

MOST_OF_A_FORM: Final = 1024 * 1024  # bytes
LARGER: Final = {"/forms/offer": 6 * 1024 * 1024}  # a PDF may come with it
PAUSE: Final = 8.0  # seconds between parts of a body
TOO_SLOW: Final = "the body came too slowly; send it again"
# These read more, in portions, and bound it themselves.
BOUNDED: Final = ("/v1/",)


class OneOfEach:
    """Refuses requests to `/v1/` that give a parameter twice (400): which one was meant can't be told."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].startswith("/v1/") and b"&" in scope["query_string"]:
            names = Counter(name for name, _ in parse_qsl(scope["query_string"].decode("latin-1"), True))
            twice = sorted(name for name, times in names.items() if times > 1)
            if twice:
                refused = problem(HTTPStatus.BAD_REQUEST, f"{twice[0][:100]!r} is given more than once")
                await refused(scope, receive, send)
                return
        await self._app(scope, receive, send)


class BodyLimit:
    """Refuses forms that are too large (413), and reads no further, and those in other letters than UTF-8 (415). A body
    that comes too slowly is given up (408)."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            if not all(_is_plain(value) for name, value in scope["headers"] if name == b"content-type"):
                refused = problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "a form is written in UTF-8")
                await refused(scope, receive, send)
                return
            receive = _in_time(receive)
            if not scope["path"].startswith(BOUNDED):
                receive = _bounded(receive, LARGER.get(scope["path"], MOST_OF_A_FORM))
        await self._app(scope, receive, send)


def _is_plain(content_type: bytes) -> bool:
    """Whether no letters are named that take long to read: Python knows some (punycode) that take minutes."""
    media, options = parse_options_header(content_type)
    charset = options.get(b"charset", b"utf-8").lower()
    return not media.startswith(b"multipart/") or charset in (b"utf-8", b"utf8", b"us-ascii")


def _in_time(receive: Receive) -> Receive:
    """Each part of a body within PAUSE; once it is whole, waiting for the client to go may take for ever."""
    whole = False

    async def read() -> Message:
        nonlocal whole
        if whole:
            return await receive()
        try:
            async with asyncio.timeout(PAUSE):
                message = await receive()
        except TimeoutError:
            raise HTTPException(HTTPStatus.REQUEST_TIMEOUT, TOO_SLOW, {"Connection": "close"}) from None
        whole = not message.get("more_body", False)
        return message

    return read


def _bounded(receive: Receive, most: int) -> Receive:
    left = most

    async def read() -> Message:
        nonlocal left
        message = await receive()
        left -= len(message.get("body", b""))
        if left < 0:
            raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"a form may have {most} bytes")
        return message

    return read
