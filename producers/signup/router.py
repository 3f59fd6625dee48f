"""`POST /fairs/{campaign}/{fair}` and `POST /campaigns/{campaign}/signup`: the public form becomes facts, or the page
again with what is wrong. What it answers tells nobody whether an address was known."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response
from psycopg_pool import AsyncConnectionPool
from starlette.background import BackgroundTask

from producers.bell import FactsBell
from producers.committing import Committing
from producers.forms.reading import Read, first, read
from producers.forms.typed import typed_in
from producers.signup.posting import Again, Counter, employers_of
from schemas.errors import Conflict, InvalidFact, TooMany
from schemas.forms import SIGNUP, Filled, Typed
from schemas.ids import may_be_id
from schemas.limits import Limit, network
from schemas.proofs import Challenge, again, issue, judge, nonce_of
from schemas.signing_up import Sent
from storage.campaigns.signup import ADMITS, Signup, load
from storage.database import Conn, borrowed

# Draws the page: the request, campaign and fair, what was typed, and the challenge that the form carries next.
ShowSignup = Callable[[Request, str, str | None, Filled, Challenge | None], Awaitable[Response]]
Language = Callable[[Request], str]

AT_ONCE: Final = 120  # forms of one network: a lecture hall that signs up together
EVERY: Final = 0.2  # seconds between those after them
SLOW_AT_ONCE: Final = 30  # by the slower way, which nothing is worked for
SLOW_EVERY: Final = 15.0
AT_LEAST: Final = 0.15  # seconds that a signup takes, whoever it is
DONE: Final = "?done=1&lang={}"
CHECK: Final = "?done=check&lang={}"
HONEY: Final = "website"  # a field that nobody sees
_SOME_YEAR: Final = 2000
_MOST_FIELDS: Final = 100
_SAID: Final = "many sign up from your network just now; wait some seconds, then send it again"


def make_router(
    pool: AsyncConnectionPool[Conn],
    show: ShowSignup,
    language: Language,
    send_again: Again,
    clock: Callable[[], datetime],
) -> APIRouter:
    """The endpoints. `show` draws the page; `language`: the reader's."""
    router = APIRouter(include_in_schema=False)
    counter = Counter(pool, Committing(pool), FactsBell(pool), clock)
    door = _Door(counter, show, language, send_again)

    @router.post("/fairs/{campaign}/{fair}")
    async def to_fair(request: Request, campaign: str, fair: str) -> Response:
        return await door.take(request, campaign, fair)

    @router.post("/campaigns/{campaign}/signup")
    async def to_campaign(request: Request, campaign: str) -> Response:
        return await door.take(request, campaign, None)

    return router


class _Door:
    """Takes one form after the other."""

    def __init__(self, counter: Counter, show: ShowSignup, language: Language, send_again: Again) -> None:
        self._counter, self._show, self._language, self._send_again = counter, show, language, send_again
        self._quick = Limit(counter.clock, AT_ONCE, EVERY, _SAID)
        self._slow = Limit(counter.clock, SLOW_AT_ONCE, SLOW_EVERY, _SAID)

    async def take(self, request: Request, campaign: str, fair: str | None) -> Response:
        """One form. What can't be taken is shown again, with all that was typed."""
        where, typed = await self._where(campaign, fair), await typed_in(request, max_files=0, max_fields=_MOST_FIELDS)
        if where is None or where.state(self._counter.clock()) not in ADMITS:
            return await self._show(request, campaign, fair, Filled({}, {}, 409), None)
        found, judged = _read(typed), await self._judged(request, typed)
        if found.wrong or judged.fault:
            wrong = found.wrong | ({"form": judged.fault} if judged.fault else {})
            return await self._show(request, campaign, fair, Filled(typed, wrong, judged.status), judged.next)
        lang = self._language(request)
        if first(typed, HONEY):
            return RedirectResponse((CHECK if where.checked else DONE).format(lang), 303)
        name, now = nonce_of(judged.next.token), self._counter.clock()
        sent = Sent(campaign, fair, employers_of(where.fair), found.values, name, lang, now)
        try:
            async with _no_sooner_than(AT_LEAST):
                if where.checked:
                    await self._counter.ask(sent)
                    return RedirectResponse(CHECK.format(lang), 303)
                candidate = await self._counter.sign_up(sent)
        except (Conflict, InvalidFact) as error:
            wrong, next = await self._refused(error, judged.next, now)
            return await self._show(request, campaign, fair, Filled(typed, wrong), next)
        task = BackgroundTask(self._send_again, campaign, candidate, fair) if candidate else None
        return RedirectResponse(DONE.format(lang), 303, background=task)

    async def _refused(
        self, error: Conflict | InvalidFact, used: Challenge, now: datetime
    ) -> tuple[dict[str, str], Challenge]:
        """What is wrong, and what the form carries next: a name of its own where somebody went back and corrected the
        address."""
        if isinstance(error, Conflict):
            return {"form": "signup.stale"}, _fresh(await self._counter.secret(), now)
        return _faults(error), used

    async def _where(self, campaign: str, fair: str | None) -> Signup | None:
        if not all(may_be_id(each) for each in (campaign, fair or campaign)):
            return None
        async with borrowed(self._counter.pool) as conn:
            return await load(conn, campaign, fair)

    async def _judged(self, request: Request, typed: Typed) -> _Judged:
        """Whether a person seems to send this, no more often than people do."""
        secret, token, now = await self._counter.secret(), first(typed, "token"), self._counter.clock()
        verdict = judge(secret, token, first(typed, "solution"), now)
        came_from = network(request.client.host if request.client else "")
        try:
            self._quick.take(came_from)
            if verdict == "good_slow":
                self._slow.take(came_from)
        except TooMany:
            known = verdict not in ("stale", "unproved")
            return _Judged("signup.many", again(secret, token) if known else _fresh(secret, now), 429)
        if verdict == "stale":
            return _Judged("signup.stale", _fresh(secret, now))
        if verdict == "unproved":
            return _Judged("signup.slow", issue(secret, secrets.token_hex(16), now, "slow"))
        return _Judged("signup.soon" if verdict == "soon" else "", again(secret, token))


@dataclass(frozen=True, slots=True)
class _Judged:
    """`fault`: why it is not taken, as the key of a text, or nothing; `next`: what the form carries when it is shown
    once more."""

    fault: str
    next: Challenge
    status: int = 422


@asynccontextmanager
async def _no_sooner_than(seconds: float) -> AsyncIterator[None]:
    """What is done within takes so long at least: what is known takes no other time than what is not."""
    pause = asyncio.create_task(asyncio.sleep(seconds))
    try:
        yield
    finally:
        await pause


def _fresh(secret: bytes, now: datetime) -> Challenge:
    return issue(secret, secrets.token_hex(16), now)


def _read(typed: Typed) -> Read:
    found = read(SIGNUP, typed)
    year = found.values.get("graduation_year", _SOME_YEAR)
    if not (isinstance(year, int) and 1900 <= year <= 2200):
        found.wrong["graduation_year"] = "form.bad.year"
    return found


def _faults(error: InvalidFact) -> dict[str, str]:
    """What the catalogue refuses, beside the field of that name where there is one."""
    names = {each.name for each in SIGNUP.fields}
    found = [each.field.removeprefix("data.").partition(".")[0] for each in error.errors]
    return {name if name in names else "form": "form.bad" for name in found}
