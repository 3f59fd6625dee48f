"""`POST /v1/events`: facts come in over HTTP. 202 means committed in Postgres, broker up or not."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from psycopg_pool import AsyncConnectionPool
from starlette.routing import Route

from producers import merging
from producers.bell import FactsBell
from producers.committing import Committing
from producers.fitting import Fitting
from producers.permissions import Fault, faults, reserved
from producers.requests import MAX_REQUEST_BYTES, Parsed, Rejected, check, is_alone, read_events
from producers.waiting import Waiters, wanted_wait
from schemas.access import Authenticate, Caller
from schemas.errors import FieldError, InvalidFact, TooLarge
from schemas.facts import Fact, ahead
from schemas.ids import telling
from schemas.openapi import EVENTS_OPERATION
from schemas.sealed import sealed_elsewhere
from storage.database import Conn, borrowed
from storage.ledger import ledger, posters
from storage.vault.process import vault

PATH: Final = "/v1/events"
_IS_TAKEN: Final = FieldError("id", "source and id are those of another fact, which somebody else posted")
_encode = msgspec.json.Encoder().encode
_BREATHE_EVERY: Final = 200  # events between turns for other requests


@dataclass(frozen=True, slots=True)
class _Door:
    """What accepting a request takes."""

    pool: AsyncConnectionPool[Conn]
    bell: FactsBell
    fitting: Fitting
    committing: Committing
    waiting: Waiters


def make_router(pool: AsyncConnectionPool[Conn], authenticate: Authenticate) -> tuple[APIRouter, Route]:
    """The router, which describes the endpoint, and a bare route to the same function: FastAPI's way there costs as
    much as all the rest. `authenticate` gives the caller of a request, or raises Unauthorized."""
    router = APIRouter(tags=["facts"])
    door = _Door(pool, FactsBell(pool), Fitting(pool, time.monotonic), Committing(pool), Waiters(pool))

    async def straight(request: Request) -> Response:
        return await post_events(request, await authenticate(request))

    async def post_events(request: Request, caller: Caller = Depends(authenticate)) -> Response:
        """Post facts as CloudEvents 1.0: structured, batched, binary or NDJSON. With `Prefer: wait=N` the answer comes
        once they are applied, so that what is read next shows them, or after N seconds, 30 at most."""
        caller.require("organizer", "employer")
        parsed = await _parse(request)
        answer, numbers = await _accept(door, caller, parsed)
        wait = wanted_wait(request.headers.getlist("prefer"))
        if wait is not None and await _are_applied(door, parsed, numbers, wait):
            answer.headers["Preference-Applied"] = f"wait={wait}"
        return answer

    @router.get("/v1/entry-key")
    async def entry_key(caller: Caller = Depends(authenticate)) -> dict[str, str]:
        """The key with which facts are sealed by who posts them straight to Kafka: it is public, and opens nothing. It
        changes as the master key does; one that was replaced is good for 30 days more."""
        caller.require("organizer")
        async with borrowed(pool) as conn:
            return {"key": str(await vault().entry_key(conn))}

    router.post(PATH, openapi_extra=EVENTS_OPERATION, response_model=None)(post_events)
    return router, Route(PATH, straight, methods=["POST"])


async def _parse(request: Request) -> Parsed:
    body = await _body(request)
    facts: list[tuple[int, Fact]] = []
    rejected: list[Rejected] = []
    now = datetime.now(UTC)
    for index, event in enumerate(read_events(request.headers, body)):
        found = check(event)
        if isinstance(found, InvalidFact):
            rejected.append(Rejected(index, found.id, found.errors))
        elif fault := ahead(found, now) or telling(found) or sealed_elsewhere(found):
            rejected.append(Rejected(index, found.id, [fault]))
        else:
            facts.append((index, found))
        if index % _BREATHE_EVERY == _BREATHE_EVERY - 1:
            await asyncio.sleep(0)
    return Parsed(facts, rejected, is_alone(request.headers), len(body))


async def _body(request: Request) -> bytes:
    """The body, read no further than allowed whatever the Content-Length says."""
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and (len(announced) > 15 or int(announced) > MAX_REQUEST_BYTES):
        raise _too_large()
    chunks, size = [], 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > MAX_REQUEST_BYTES:
            raise _too_large()
        chunks.append(chunk)
    return b"".join(chunks)


def _too_large() -> TooLarge:
    return TooLarge(f"a request may have {MAX_REQUEST_BYTES} bytes; send the events in portions")


async def _are_applied(door: _Door, parsed: Parsed, new: dict[tuple[str, str], int], wait: int) -> bool:
    """Whether all facts of a request that the ledger has are applied, now or within so many seconds."""
    known = [fact.identity for _, fact in parsed.facts if fact.identity not in new]
    if known:
        async with borrowed(door.pool) as conn:
            new = {**new, **await ledger.numbers(conn, known)}
    return bool(new) and await door.waiting.until_applied(new.values(), wait)


async def _accept(door: _Door, caller: Caller, parsed: Parsed) -> tuple[Response, dict[tuple[str, str], int]]:
    unique: dict[tuple[str, str], Fact] = {}
    for _, fact in parsed.facts:
        unique.setdefault(fact.identity, fact)
    forbidden = await _forbidden(door, caller, unique.values())
    allowed = [fact for identity, fact in unique.items() if identity not in forbidden]
    large = await door.fitting.faults(allowed, parsed.size)
    unmergeable = await _unmergeable(door, allowed)
    fitting = [fact for fact in allowed if fact.identity not in large.keys() | unmergeable.keys()]
    poster = caller.poster
    accepted = await door.committing.append(fitting, posted_by=poster, size=parsed.size) if fitting else {}
    if accepted:
        door.bell.ring()
    taken = await _taken(door, [fact for fact in fitting if fact.identity not in accepted], poster)
    reasons = {identity: FieldError(fault.field, fault.reason) for identity, fault in (forbidden | unmergeable).items()}
    reasons |= {identity: FieldError("", reason) for identity, reason in large.items()}
    reasons |= dict.fromkeys(taken, _IS_TAKEN)
    refused = [
        Rejected(index, fact.id, [reasons[fact.identity]]) for index, fact in parsed.facts if fact.identity in reasons
    ]
    duplicates = len(parsed.facts) - len(refused) - len(accepted)
    rejected = sorted(parsed.rejected + refused, key=lambda each: each.index)
    return _answer(len(accepted), duplicates, rejected, alone=parsed.alone, forbidden=bool(forbidden)), accepted


async def _taken(door: _Door, known: list[Fact], poster: str) -> set[tuple[str, str]]:
    """Which of the facts that were not new are others than those that the ledger has, by somebody else: who came first
    would else have their posters believe that they were said."""
    if not known:
        return set()
    async with borrowed(door.pool) as conn:
        return await posters.taken(conn, known, poster)


async def _forbidden(door: _Door, caller: Caller, facts: Collection[Fact]) -> dict[tuple[str, str], Fault]:
    if caller.role == "organizer":
        return reserved(caller, facts)
    async with borrowed(door.pool) as conn:
        return await faults(conn, caller, facts)


async def _unmergeable(door: _Door, facts: Collection[Fact]) -> dict[tuple[str, str], Fault]:
    if not any(fact.type == merging.MERGES for fact in facts):
        return {}
    async with borrowed(door.pool) as conn:
        return await merging.faults(conn, facts)


def _answer(accepted: int, duplicates: int, rejected: list[Rejected], *, alone: bool, forbidden: bool) -> Response:
    counts: dict[str, Any] = {"accepted": accepted, "duplicates": duplicates, "rejected": rejected}
    if not rejected:
        return _json(counts, 202)
    if not alone and len(rejected) + accepted + duplicates > 1:
        return _json(counts, 207)
    status = 403 if forbidden else 422
    problem = {
        "type": "about:blank",
        "title": "Forbidden" if forbidden else "The event is no fact of the catalogue",
        "status": status,
        "detail": "; ".join(f"{error.field}: {error.message}" for error in rejected[0].errors),
        "errors": rejected[0].errors,
        **counts,
    }
    return _json(problem, status, "application/problem+json")


def _json(content: dict[str, Any], status: int, media: str = "application/json") -> Response:
    return Response(_encode(content), status, media_type=media)
