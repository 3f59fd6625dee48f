"""`GET /targets/stream`: what an open page is told. The public stream of numbers is `dashboard/stream.py`."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Depends, Header, Query

from dashboard.charting import Charting
from dashboard.employer_parts import EmployerParts
from dashboard.fragments import Fragment, make_forms
from dashboard.languages import Lang
from dashboard.live import Hub
from dashboard.stream import HEARTBEAT, PINGS, EventStream
from dashboard.telling import Subscription, Told
from dashboard.turnstile import Turnstile
from schemas.access import Authenticate, Caller
from schemas.errors import Unavailable

# Whether what a form did counts by now; None where that form is none of the caller's.
Counts = Callable[[Caller, str], Awaitable[bool | None]]
ShortQuery = Annotated[str, Query(max_length=100)]

LOOK: Final = 0.3  # seconds between looks whether a form's facts count
LOOKS: Final = 400


class Shown:
    """What a page shows, and asks to be told of while it is open. `seen`: the mark of what it shows; `own`: the numbers
    of an employer's part; `done`: a form that was sent from it."""

    def __init__(
        self,
        *,
        campaign: Annotated[str | None, Query(max_length=200)] = None,
        of: Annotated[Literal["targets", "charts", "nothing"], Query()] = "targets",
        lang: Annotated[Lang, Query()] = "en",
        employer: Annotated[str | None, Query(max_length=200)] = None,
        own: ShortQuery = "",
        seen: ShortQuery = "",
        done: ShortQuery = "",
        last_event_id: Annotated[str | None, Header(max_length=100)] = None,
    ) -> None:
        self.campaign, self.of, self.lang, self.employer = campaign, of, lang, employer
        self.own, self.seen, self.done = own, last_event_id or seen, done


@dataclass(frozen=True, slots=True)
class Sources:
    """Who tells of what. `counts`: whether a form's facts are applied."""

    hub: Hub
    charting: Charting
    employer_parts: EmployerParts
    counts: Counts


def make_router(sources: Sources, authenticate: Authenticate, turnstile: Turnstile, *, fragment: Fragment) -> APIRouter:
    """The router; `fragment` draws."""
    router = APIRouter(include_in_schema=False)
    forms = make_forms(fragment, sources.hub.name)

    @router.get("/targets/stream")
    async def stream(shown: Shown = Depends(), caller: Caller = Depends(authenticate)) -> EventStream:
        """What changes after what the page has `seen`: of all targets, of one campaign's, of its charts too; that what
        a form did (`done`) counts; and that an employer's numbers are others than its page shows (`own`). An employer
        has no charts, and of targets those that it reads."""
        caller.require("organizer", "employer", "viewer")
        mark = sources.hub.mark if shown.of == "nothing" else shown.seen

        @contextmanager
        def opened() -> Iterator[Subscription]:
            with turnstile.inside(caller.poster), _followed(sources, shown, caller, mark) as subscription:
                yield subscription

        form = forms[shown.lang, caller.role == "organizer"]
        return EventStream(opened, form, ping=PINGS["event"], every=HEARTBEAT)

    return router


@contextmanager
def _followed(sources: Sources, shown: Shown, caller: Caller, mark: str) -> Iterator[Subscription]:
    """The subscription of a page, told by all that it shows."""
    campaign, employer = shown.campaign, shown.employer
    among = frozenset[str]() if shown.of == "nothing" else caller.campaigns
    is_own = caller.role == "organizer" or caller.employer == employer
    with ExitStack() as stack:
        subscription = sources.hub.follow(campaign, mark, among=among, reads=caller.sight)
        stack.callback(sources.hub.unsubscribe, subscription)
        if shown.of == "charts" and campaign and caller.role != "employer":
            stack.enter_context(sources.charting.watched(campaign, subscription))
        if campaign and shown.own and employer and is_own:
            stack.enter_context(sources.employer_parts.watched((campaign, employer), shown.own, subscription))
        if shown.done:
            waiting = asyncio.create_task(_tell_when_it_counts(sources.counts, caller, shown.done, subscription))
            stack.callback(waiting.cancel)
        yield subscription


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
