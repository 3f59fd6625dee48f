"""The worker's clock over persons: looks who is kept for how long, and does what is due, a portion at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any, Final
from zoneinfo import ZoneInfo

from schemas.facts import Fact, validate_event
from schemas.journey import RETENTION
from schemas.messages import KEEP_DATA, MessageRequest, dedupe_key
from schemas.retention import DEFAULTS, NOTICE, SOURCE, RetentionOutcome, RetentionTerms
from storage import messages
from storage.campaigns import terms
from storage.database import Conn
from storage.ledger import ledger
from storage.ledger.ledger import JourneyKey
from storage.vault import retention
from storage.vault.accepting import accept
from storage.vault.process import vault
from storage.vault.retention import KnownPerson, Plan
from streams.domain.retention import Hidden, Kept, Next, months_after, next_step, outcome

LOOKED_AT: Final = 1000  # persons at a time: some tens of milliseconds
DONE: Final = 200  # steps at a time
START: Final = ("", "")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

By = Mapping[tuple[str, RetentionOutcome], RetentionTerms]


async def survey(conn: Conn, after: JourneyKey = START) -> JourneyKey | None:
    """Look at the next persons, and note what comes next of each. Returns after whom to go on; None at the end."""
    async with conn.transaction():
        known = await retention.portion(conn, after, LOOKED_AT)
        by = await terms.retention(conn, {each.campaign for each in known})
        plans = [(each, _plan(each, by)) for each in known]
        await retention.store(conn, [plan for each, plan in plans if _differs(each, plan)])
    return known[-1].key if len(known) == LOOKED_AT else None


async def carry_out(conn: Conn, now: datetime) -> int:
    """Do some of what is due: ask, hide, erase, lift. Returns how much was done; what no longer holds is noted anew.
    Of whom something was said that waits to be applied, or whose question has not gone for so long, nothing is done
    before they are looked at again."""
    async with conn.transaction():
        known = await _due(conn, now)
        by = await terms.retention(conn, {each.campaign for each in known})
        plans = [(each, _plan(each, by)) for each in known]
        unsure = await _unsure(conn, known, now)
        due = [(each, p) for each, p in plans if each.key not in unsure and p.step and p.due_at and p.due_at <= now]
        asked = [(each, plan) for each, plan in due if plan.step == "ask"]
        await messages.request(
            conn, [_question(each, plan, by[each.campaign, plan.outcome], now) for each, plan in asked]
        )
        said = [fact for each, plan in due if plan.step != "ask" for fact in _said(each, plan, by, now)]
        if said:
            await accept(conn, said, posted_by=None)
        done = {each.key for each, _ in due}
        left = [replace(plan, step=None, due_at=None) if each.key in unsure else plan for each, plan in plans]
        await retention.store(
            conn, [_after(plan, now) if (plan.campaign, plan.candidate) in done else plan for plan in left]
        )
    if said:
        await ledger.ring(conn)
    return len(due)


async def _due(conn: Conn, now: datetime) -> list[KnownPerson]:
    """Some of whom something is due, held under each of their ids: what they say in this moment, under whichever,
    either counts here, or finds what is said here. Who was merged with others meanwhile comes the next time."""
    held = {id for each in await retention.due(conn, now, DONE) for id in each.ids}
    if not held:
        return []
    await vault().keys.lock(conn, held)
    return [each for each in await retention.due(conn, now, DONE) if held.issuperset(each.ids)]


async def _unsure(conn: Conn, known: Sequence[KnownPerson], now: datetime) -> set[JourneyKey]:
    """Of whom a word waits to be applied, which may be that they want to be kept; and who was to be asked, but whose
    question has not gone, or `NOTICE` days ago at the earliest."""
    said = await ledger.waiting_of(conn, {id for each in known for id in each.ids})
    waiting = {each.key for each in known if not said.isdisjoint(each.ids)}
    asked = {each.key for each in known if each.restricted_at is None and each.asked_at is not None}
    return waiting | await messages.under_way(conn, KEEP_DATA, asked, since=now - timedelta(days=NOTICE))


def _plan(known: KnownPerson, by: By) -> Plan:
    journey = known.journey()
    came, heard = known.outcome, known.last_contact
    erased = False
    if journey is not None:
        came, erased = outcome(journey), journey.erased
        heard = (
            None if erased or journey.last_contact is None else _EPOCH + timedelta(microseconds=journey.last_contact)
        )
    came = came or "not_hired"
    hidden = None
    if known.restricted_at is not None:
        hidden = Hidden(known.restricted_at, known.restricted_ground or "law", known.restricted_until)
    # Of whom nothing is left to keep, or it is kept under another id.
    nobody = erased or (heard is None and hidden is None) or known.merged_into is not None
    kept = Kept(heard, known.ends, known.asked_at, hidden, nobody)
    following: Next | None = next_step(kept, by.get((known.campaign, came), DEFAULTS[came]))
    step, due = (following.step, following.due) if following else (None, None)
    return Plan(*known.key, came, heard, known.version, known.asked_at, step, due)


def _differs(known: KnownPerson, plan: Plan) -> bool:
    return known.state is not None or (known.step, known.due_at) != (plan.step, plan.due_at)


def _after(plan: Plan, now: datetime) -> Plan:
    """Once it is done: nothing comes until the person is looked at again."""
    asked = now if plan.step == "ask" else plan.asked_at
    return replace(plan, asked_at=asked, step=None, due_at=None)


def _question(known: KnownPerson, plan: Plan, by: RetentionTerms, now: datetime) -> MessageRequest:
    """Asks whether they want to be kept, once for each time that they were last heard of."""
    hides = now + timedelta(days=NOTICE)
    zone = ZoneInfo(known.timezone)
    heard = plan.last_contact or now
    params = {
        "hidden_on": hides.astimezone(zone).date().isoformat() if by.hold else None,
        "erased_on": months_after(hides, by.hold).astimezone(zone).date().isoformat(),
        "heard": (heard - _EPOCH) // timedelta(microseconds=1),
    }
    reason = [max(heard, known.ends or heard).isoformat()]
    key = dedupe_key(KEEP_DATA, known.campaign, known.candidate, reason)
    return MessageRequest(KEEP_DATA, key, known.campaign, known.candidate, params)


def _said(known: KnownPerson, plan: Plan, by: By, now: datetime) -> list[Fact]:
    """What the clock brought, as facts; to be erased concerns each id of a person."""
    ids = known.ids if plan.step == "erase" else [known.key]
    return [_fact(known, candidate, plan, by, now) for _, candidate in ids]


def _fact(known: KnownPerson, candidate: str, plan: Plan, by: By, now: datetime) -> Fact:
    """Named by what it is about, so that it is said but once."""
    data: dict[str, Any] = {"campaign": known.campaign, "candidate": candidate}
    if plan.step == "restrict":
        until = months_after(now, by[known.campaign, plan.outcome].hold).astimezone(ZoneInfo(known.timezone))
        data |= {"ground": RETENTION, "until": until.date().isoformat()}
    named = f"{known.campaign}\n{candidate}\n{plan.step}\n{plan.due_at}\n{known.restricted_at}"
    return validate_event(
        {
            "specversion": "1.0",
            "id": sha256(named.encode()).hexdigest(),
            "source": SOURCE,
            "type": TYPES[plan.step or ""],
            "time": now.isoformat(),
            "datacontenttype": "application/json",
            "data": data,
        }
    )


TYPES: Final[Mapping[str, str]] = {
    "restrict": "candidate.restricted",
    "erase": "candidate.erased",
    "lift": "candidate.restriction_lifted",
}
