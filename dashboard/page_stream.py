"""`GET /targets/stream`: what an open page is told. The public stream of numbers is `dashboard/stream.py`."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Depends, Header, Query

from dashboard.charting import Charting
from dashboard.fragments import Fragment, make_forms
from dashboard.languages import Lang
from dashboard.live import Hub
from dashboard.own_parts import OwnParts
from dashboard.stream import HEARTBEAT, PINGS, EventStream, Turnstile
from dashboard.telling import Subscription, Told
from schemas.access import Authenticate, Caller
from schemas.errors import Unavailable

# Whether what a form did counts by now; None where that form is none of the caller's.
Counts = Callable[[Caller, str], Awaitable[bool | None]]

LOOK: Final = 0.3  # seconds between looks whether a form's facts count
LOOKS: Final = 400


def make_router(
    hub: Hub,
    charting: Charting,
    authenticate: Authenticate,
    turnstile: Turnstile,
    own_parts: OwnParts,
    *,
    counts: Counts,
    fragment: Fragment,
) -> APIRouter:
    """The router; `fragment` draws, `counts` tells whether a form's facts are applied."""
    router = APIRouter(include_in_schema=False)
    forms = make_forms(fragment, hub.name)

    @router.get("/targets/stream")
    async def stream(
        *,
        caller: Caller = Depends(authenticate),
        campaign: Annotated[str | None, Query(max_length=200)] = None,
        of: Annotated[Literal["targets", "charts", "nothing"], Query()] = "targets",
        lang: Annotated[Lang, Query()] = "en",
        employer: Annotated[str | None, Query(max_length=200)] = None,
        own: Annotated[str, Query(max_length=100)] = "",
        seen: Annotated[str, Query(max_length=100)] = "",
        done: Annotated[str, Query(max_length=100)] = "",
        last_event_id: Annotated[str | None, Header(max_length=100)] = None,
    ) -> EventStream:
        """What changes after what the page has `seen`: of all targets, of one campaign's, of its charts too; that what
        a form did (`done`) counts; and that an employer's numbers are others than its page shows (`own`). An employer
        has no charts, and of targets those that it reads."""
        caller.require("organizer", "employer", "viewer")
        turnstile.require_room(caller.poster)
        among = frozenset() if of == "nothing" else caller.campaigns
        mark = hub.mark if of == "nothing" else last_event_id or seen

        @contextmanager
        def opened() -> Iterator[Subscription]:
            with ExitStack() as stack:
                stack.enter_context(turnstile.inside(caller.poster))
                subscription = hub.follow(campaign, mark, among=among, reads=caller.sight)
                stack.callback(hub.unsubscribe, subscription)
                if of == "charts" and campaign and caller.role != "employer":
                    stack.enter_context(charting.watched(campaign, subscription))
                if campaign and own and employer and (caller.role == "organizer" or caller.employer == employer):
                    stack.enter_context(own_parts.watched((campaign, employer), own, subscription))
                if done:
                    waiting = asyncio.create_task(_tell_when_it_counts(counts, caller, done, subscription))
                    stack.callback(waiting.cancel)
                yield subscription

        form = forms[lang, caller.role == "organizer"]
        return EventStream(opened, form, ping=PINGS["event"], every=HEARTBEAT)

    return router


async def _tell_when_it_counts(counts: Counts, caller: Caller, done: str, subscription: Subscription) -> None:
    for _ in range(LOOKS):
        try:
            answer = await counts(caller, done)
        except Unavailable:
            answer = False  # looked at again, as the page says
        if answer is None:
            return
        if answer:
            subscription.put(("", "", "counts"), Told("redraw", "", {"spread": 0}, 0))
            return
        await asyncio.sleep(LOOK)
