"""`GET /v1/targets/stream`: targets as server-sent events, with resume and heartbeats."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from typing import Annotated, Any, Final, Literal

import anyio
from fastapi import APIRouter, Depends, Header, Query, Request
from sse_starlette import EventSourceResponse, ServerSentEvent

from dashboard.live import Hub, Subscription, Told
from schemas.access import Caller

Authenticate = Callable[[Request], Awaitable[Caller]]

HEARTBEAT: Final = 10.0  # seconds
# Then the client comes back by itself, goes on where it was, and shows its key again: one revoked meanwhile ends here.
LASTS: Final = 900.0
SEND_TIMEOUT: Final = 60.0  # seconds; a client that takes nothing for so long is gone
RETRY: Final = 1000  # milliseconds
GRACE: Final = 0.5  # seconds for streams to end in order when the server does


def make_router(hub: Hub, authenticate: Authenticate, *, heartbeat: float = HEARTBEAT) -> APIRouter:
    """The router; `authenticate` gives the caller of a request, or raises Unauthorized."""
    router = APIRouter(tags=["reads"])

    @router.get("/v1/targets/stream", response_class=EventSourceResponse, responses=RESPONSES)
    async def stream(
        caller: Caller = Depends(authenticate),
        campaign: Annotated[str | None, Query(max_length=200, description="Of this campaign only.")] = None,
        heartbeats: Annotated[Literal["comment", "event"], Query(description="As `event: ping` where wanted.")] = (
            "comment"
        ),
        last_event_id: Annotated[str | None, Header(max_length=100)] = None,
    ) -> EventSourceResponse:
        """Targets as they are, then each change: `event: progress`, `data` one target as in the list of targets with
        its `campaign`, `id` its revision. `event: withdrawn` where one is gone. With `Last-Event-ID` only what
        changed after it. Any key may watch."""
        caller.require("organizer", "employer", "viewer")
        ending = anyio.Event()
        return EventSourceResponse(
            _events(hub, campaign, _revision(last_event_id), ending),
            ping=heartbeat,
            ping_message_factory=PINGS[heartbeats],
            send_timeout=SEND_TIMEOUT,
            shutdown_event=ending,
            shutdown_grace_period=GRACE,
            sep="\n",
        )

    return router


async def _events(
    hub: Hub, campaign: str | None, last: int | None, ending: anyio.Event
) -> AsyncIterator[ServerSentEvent]:
    """A client's events, until it has lasted long enough or the server ends."""
    subscription = hub.subscribe(campaign, last)
    closing = asyncio.create_task(_close_at(ending, subscription))
    ends = asyncio.get_running_loop().time() + LASTS
    try:
        yield ServerSentEvent(retry=RETRY, sep="\n")
        with suppress(TimeoutError):
            while not subscription.closed:
                left = ends - asyncio.get_running_loop().time()
                for told in await asyncio.wait_for(subscription.take(), left):
                    yield _event(told)
    finally:
        closing.cancel()
        hub.unsubscribe(subscription)


async def _close_at(ending: anyio.Event, subscription: Subscription) -> None:
    await ending.wait()
    subscription.close()


def _event(told: Told) -> ServerSentEvent:
    id = None if told.revision is None else str(told.revision)
    return ServerSentEvent(told.data, event=told.event, id=id, sep="\n")


def _revision(last_event_id: str | None) -> int | None:
    """The revision that a client has seen; None for what never was an id of ours."""
    if last_event_id and last_event_id.isascii() and last_event_id.isdigit() and len(last_event_id) < 20:
        return int(last_event_id)
    return None


PINGS: Final[dict[str, Callable[[], ServerSentEvent]]] = {
    "comment": lambda: ServerSentEvent(comment="still here", sep="\n"),
    "event": lambda: ServerSentEvent("{}", event="ping", sep="\n"),
}
RESPONSES: Final[dict[int | str, dict[str, Any]]] = {
    200: {"description": "The stream.", "content": {"text/event-stream": {"schema": {"type": "string"}}}}
}
