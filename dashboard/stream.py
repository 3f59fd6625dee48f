"""`GET /v1/targets/stream`: targets as server-sent events, with resume and heartbeats.

Thousands listen to one process, so a listener is two tasks that sleep and what it has not taken yet. What is told is
written to its line by whoever tells (see `dashboard/telling.py`), the same bytes to all. Its own task wakes for what
waits because the line was not free, for what a client that comes lacks, and where nothing was told for a while. One
that takes nothing holds up nobody: each waits for its own line alone, and then is told how things stand by now.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from typing import Annotated, Any, Final, Literal, Protocol

from fastapi import APIRouter, Depends, Header, Query
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from dashboard.live import Hub
from dashboard.telling import Encode, Line, Subscription, Told, revision_of
from dashboard.turnstile import Turnstile
from schemas.access import Authenticate, Caller

HEARTBEAT: Final = 10.0  # seconds
# Then the client comes back by itself, goes on where it was, and shows its key again: one revoked meanwhile ends here.
LASTS: Final = 900.0
SEND_TIMEOUT: Final = 60.0  # seconds; a client that takes nothing for so long is gone
RETRY: Final = b"retry: 1000\n\n"  # milliseconds
HEADERS: Final = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
MOST_STREAMS: Final = 5000  # of one key or account, in one web process
FULL: Final = "{most} streams are open already by this key or account; close one"
LINE: Final = "yinfeng.line"  # under which a server puts the line of a request into its state


def make_router(
    hub: Hub, authenticate: Authenticate, turnstile: Turnstile, *, heartbeat: float = HEARTBEAT
) -> APIRouter:
    """The router; `authenticate` gives the caller of a request, or raises Unauthorized."""
    router = APIRouter(tags=["reads"])

    @router.get("/v1/targets/stream", status_code=200, response_class=EventStream, responses=RESPONSES)
    async def stream(
        caller: Caller = Depends(authenticate),
        campaign: Annotated[str | None, Query(max_length=200, description="Of this campaign only.")] = None,
        heartbeats: Annotated[Literal["comment", "event"], Query(description="As `event: ping` where wanted.")] = (
            "comment"
        ),
        last_event_id: Annotated[str | None, Header(max_length=100)] = None,
    ) -> EventStream:
        """Targets as they are, then each change: `event: progress`, `data` one target as in the list of targets with
        its `campaign`, `id` its revision. `event: withdrawn` where one is gone. With `Last-Event-ID` only what
        changed after it. Any key may watch; an employer the targets that it reads."""
        caller.require("organizer", "employer", "viewer")
        last, among = revision_of(last_event_id), caller.campaigns

        @contextmanager
        def opened() -> Iterator[Subscription]:
            with turnstile.inside(caller.poster):
                subscription = hub.subscribe(campaign, last, among=among, reads=caller.sight)
                try:
                    yield subscription
                finally:
                    hub.unsubscribe(subscription)

        return EventStream(opened, as_json, ping=PINGS[heartbeats], every=heartbeat)

    return router


def as_json(told: Told) -> bytes:
    """The public form. What only pages are told is nothing here."""
    if told.event == "progress":
        row = told.row
        entry = {name: row[name] for name in ENTRY} | {"due_on": row["due_on"].isoformat()}
        data = entry | ({"counting": True} if row["counting"] else {})
    elif told.event == "withdrawn":
        data = told.row
    else:
        return b""
    id = "" if told.revision is None else f"id: {told.revision}\n"
    return f"{id}event: {told.event}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n".encode()


class Lent(Line, Protocol):
    """A line as the server has it."""

    def lent(self) -> AbstractContextManager[None]:
        """Until the block ends, others than the server write to it, and little of that waits anywhere."""


class EventStream(Response):
    """What a subscription is told, until it has lasted long enough, the client is gone, or the server ends."""

    media_type = "text/event-stream"

    def __init__(
        self,
        opened: Callable[[], AbstractContextManager[Subscription]],
        form: Encode,
        *,
        ping: bytes,
        every: float = HEARTBEAT,
    ) -> None:
        """`opened` gives the subscription for as long as the client is here; `form` writes what it is told. `ping` is
        sent where nothing else was for `every` seconds."""
        super().__init__(headers=HEADERS)
        del self.headers["content-length"]
        self._opened, self._form, self._ping, self._every = opened, form, ping, every

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        line: Lent | None = scope.get("state", {}).get(LINE)
        with self._opened() as subscription, line.lent() if line else nullcontext():
            if line:
                subscription.use(line, self._form)
            await self._stream(subscription, receive, send)

    async def _stream(self, subscription: Subscription, receive: Receive, send: Send) -> None:
        leaving = asyncio.create_task(_close_when_gone(receive, subscription))
        try:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            await self._send(send, RETRY, subscription)
            await self._tell(subscription, send)
            async with asyncio.timeout(SEND_TIMEOUT):
                await send({"type": "http.response.body", "body": b"", "more_body": False})
        except TimeoutError:
            return  # broken off in the middle: the server cuts the line
        finally:
            leaving.cancel()

    async def _tell(self, subscription: Subscription, send: Send) -> None:
        timer = asyncio.get_running_loop().time
        ends = timer() + LASTS
        while not subscription.closed and timer() < ends:
            told = await subscription.take(max(0.0, subscription.written + self._every - timer()))
            body = b"".join([each.wire(self._form) for each in told])
            if not body and timer() >= subscription.written + self._every:
                body = self._ping
            if body and not subscription.closed:
                await self._send(send, body, subscription)

    async def _send(self, send: Send, body: bytes, subscription: Subscription) -> None:
        """Raises TimeoutError for a line that takes nothing."""
        async with asyncio.timeout(SEND_TIMEOUT):
            await send({"type": "http.response.body", "body": body, "more_body": True})
        subscription.written = asyncio.get_running_loop().time()


async def _close_when_gone(receive: Receive, subscription: Subscription) -> None:
    """The same where a body that the client promised comes too slowly or is too large: the answer has begun, so that
    no more can be said of it, and nobody would see the client go."""
    try:
        with suppress(HTTPException):
            while (await receive())["type"] != "http.disconnect":
                pass
    finally:
        subscription.close()


PINGS: Final = {"comment": b": still here\n\n", "event": b"event: ping\ndata: {}\n\n"}
RESPONSES: Final[dict[int | str, dict[str, Any]]] = {
    200: {"description": "The stream.", "content": {"text/event-stream": {"schema": {"type": "string"}}}}
}
ENTRY: Final = ("campaign", "target", "title", "measure", "goal", "progress", "due_on", "where")
