"""What claimed messages need to be written: their journeys, campaigns, fairs and suppressions, read for all at once."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec

from notifications.sending import composing, suppressing
from notifications.sending.composing import Letter
from notifications.sending.grouping import HOUR, arranged
from notifications.sending.samples import letter_of_a_test
from notifications.sending.signed_links import Links
from notifications.sending.situation import Left, NotNow, Situation, ToldWith, Writer, employer_of
from schemas.facts import Fact
from schemas.journey import Journey
from schemas.kinds import AUDIENCES, BY_NAME, FACT_KINDS, REASONS
from schemas.messages import SIGNUP_CHECK, TEMPLATE_TEST
from schemas.sealed import personal_fields, personal_names
from storage.access import own_pages
from storage.database import Conn
from storage.journeys import journeys, sight, unconfirmed
from storage.journeys.journeys import Stored
from storage.ledger.ledger import JourneyKey
from storage.messages import seat_words, told_already
from storage.messages.background import Background, told_hr
from storage.messages.background import load as load_background
from storage.messages.claiming import Claimed
from storage.messages.told_already import ToldAlready
from storage.messages.transitions import UNWRITTEN
from storage.vault.at_hand import ReadSoFar
from storage.vault.process import vault

log = logging.getLogger(__name__)

MadeOf = Letter | NotNow | ToldWith | Left
KnownJourneys = Mapping[
    JourneyKey, tuple[JourneyKey, Stored]
]  # of each candidate, under whose id the journey is stored
NOBODY: Final = (("", ""), Stored(0, Journey()))
TOLD_ALREADY: Final = "told under another id of the same person"
BEING_TOLD: Final = "being told under another id of the same person"
LOOK_AGAIN: Final = timedelta(seconds=5)
SIGNUP: Final = "candidate.signed_up"  # what it tells of a person, the journey knows
# Kinds that a fact asks for in which somebody wrote something, or offered something.
TELLS_PROSE: Final = frozenset(
    kind for type, kinds in FACT_KINDS.items() if personal_fields(type) and type != SIGNUP for kind in kinds
)
BREATHE_EVERY: Final = 50  # letters between turns for others
TICKETS_WEIGH: Final = 5  # letters: the code of one takes milliseconds


async def letters_for(
    conn: Conn, claimed: Sequence[Claimed], writer: Writer, links: Links, now: datetime, *, reading: ReadSoFar
) -> list[MadeOf]:
    """A letter for each message, or why there is none now, and what is to be asked for instead; read in a few queries
    for all, within a transaction."""
    keys = {(message.campaign, message.candidate) for message in claimed if message.candidate is not None}
    known = await journeys.carried(conn, keys) if keys else {}
    await vault().embody(conn, {head: each.journey for head, each in known.values()}, reading=reading, hidden=True)
    claimed = await _with_typed(conn, await _with_prose(conn, claimed, reading))
    background = await _around(conn, claimed, known, now)
    shared: dict[tuple[Any, ...], Any] = {}
    situations = [
        Situation(each, _stored(known, each).journey, background, writer, links, now, shared=shared) for each in claimed
    ]
    told = await told_already.told(conn, _of_several_ids(situations))
    made: list[MadeOf] = []
    since = 0
    for situation, message in zip(arranged(situations), claimed, strict=True):
        since += TICKETS_WEIGH if BY_NAME[message.kind].ticket == "image" else 1
        if since >= BREATHE_EVERY:
            since = 0
            await asyncio.sleep(0)
        if message.id in told:
            made.append(_as_told(told[message.id], now))
        elif isinstance(situation, Situation):
            made.append(_letter(situation, *_head(known, message)))
        else:
            made.append(situation)
    return await suppressing.held_back(conn, claimed, made, reading)


def _as_told(told: ToldAlready, now: datetime) -> NotNow | Left:
    """Who is being told under another id by another sender waits for what becomes of that."""
    if told == "told":
        return NotNow("cancelled", TOLD_ALREADY)
    return Left() if told == "beside" else NotNow("requested", BEING_TOLD, until=now + LOOK_AGAIN)


async def situation_of(conn: Conn, message: Claimed, writer: Writer, links: Links, now: datetime) -> Situation:
    """One message and all that is known around it, for looking at: nothing is changed by it."""
    key = (message.campaign, message.candidate or "")
    known = await journeys.carried(conn, [key]) if message.candidate is not None else {}
    journey = _stored(known, message).journey
    reading = ReadSoFar()
    await vault().embody(conn, {head: each.journey for head, each in known.values()}, reading=reading, hidden=True)
    (message,) = await _with_typed(conn, await _with_prose(conn, [message], reading))
    fair = message.params.get("fair")
    employer = employer_of(message, journey)
    about = await load_background(
        conn,
        [message.campaign],
        [(message.campaign, fair)] if fair else [],
        [(message.campaign, employer)] if employer else [],
    )
    about.seats.update(await _seats(conn, [message] if fair else [], known))
    about = replace(about, seen=await _seen(conn, [(message, journey)]))
    about.generations.update(await own_pages.generations(conn, [key]))
    situation = Situation(message, journey, about, writer, links, now)
    return replace(situation, together=(situation,))


async def _with_prose(conn: Conn, claimed: Sequence[Claimed], reading: ReadSoFar) -> list[Claimed]:
    """The messages, with what people wrote in the facts that asked for them: it is nowhere but there."""
    asked = {
        each.id: (each.source, each.fact) for each in claimed if each.source and each.fact and each.kind in TELLS_PROSE
    }
    if not asked:
        return list(claimed)
    said = await vault().named(conn, asked.values(), reading, hidden=True)
    return [_told(each, said.get(asked[each.id])) if each.id in asked else each for each in claimed]


def _told(message: Claimed, fact: Fact | None) -> Claimed:
    prose = {name: fact.data[name] for name in personal_names(fact.event)} if fact is not None else {}
    return msgspec.structs.replace(message, params={**message.params, **prose})


async def _with_typed(conn: Conn, claimed: Sequence[Claimed]) -> list[Claimed]:
    """The messages, with what was typed into the form whose address they are to confirm: it is nowhere but there."""
    forms = {each.id: _form(each) for each in claimed if each.kind == SIGNUP_CHECK and "to" not in each.params}
    if not forms:
        return list(claimed)
    typed = await unconfirmed.fetch_all(conn, forms.values())
    values = {id: typed[form]["values"] if form in typed else {} for id, form in forms.items()}
    return [
        msgspec.structs.replace(each, params={**each.params, **_typed(values[each.id])}) if each.id in values else each
        for each in claimed
    ]


def _typed(values: Mapping[str, Any]) -> dict[str, Any]:
    return {"to": values.get("email"), "name": values.get("name")}


def _form(message: Claimed) -> unconfirmed.UnconfirmedForm:
    return (message.params["signup"], message.campaign, message.candidate or "")


async def _around(conn: Conn, claimed: Sequence[Claimed], known: KnownJourneys, now: datetime) -> Background:
    fairs = [(message.campaign, message.params["fair"]) for message in claimed if message.params.get("fair")]
    campaigns = {message.campaign for message in claimed}
    employers = {(each.campaign, employer_of(each, _stored(known, each).journey) or "") for each in claimed}
    background = await load_background(conn, campaigns, fairs, employers)
    to_hr = {message.campaign for message in claimed if AUDIENCES[message.kind] == "hr"}
    return replace(
        background,
        seats=await _seats(conn, [each for each in claimed if each.params.get("fair")], known),
        seen=await _seen(conn, [(each, _stored(known, each).journey) for each in claimed]),
        to_hr=await told_hr(conn, to_hr, since=now - HOUR) if to_hr else {},
        generations=await own_pages.generations(conn, [key for key in known if key[1]]),
    )


async def _seen(conn: Conn, about: Sequence[tuple[Claimed, Journey]]) -> set[tuple[str, str, str]]:
    """Which of the candidates of whom employers would be told they see."""
    wanted = [
        (message.campaign, employer, message.candidate)
        for message, journey in about
        if AUDIENCES[message.kind] == "employer" and message.candidate is not None
        if (employer := employer_of(message, journey))
    ]
    return await sight.seen(conn, wanted) if wanted else set()


async def _seats(conn: Conn, about: Sequence[Claimed], known: KnownJourneys) -> dict[seat_words.Key, seat_words.Seat]:
    """How those stand to whom these messages are, each by the id that its message names."""
    stands = {
        (each.campaign, each.params["fair"], each.candidate): (*_head(known, each)[0], each.params["fair"])
        for each in about
    }
    found = await seat_words.of(conn, {(campaign, fair, head) for campaign, head, fair in stands.values()})
    keys = {key: (campaign, fair, head) for key, (campaign, head, fair) in stands.items()}
    return {key: found[stood] for key, stood in keys.items() if stood in found}


def _of_several_ids(situations: Sequence[Situation]) -> list[told_already.ToldAsked]:
    """The messages that may have gone under another id of the same person."""
    return [
        told_already.ToldAsked(
            message.id,
            message.campaign,
            message.candidate or "",
            message.kind,
            tuple(each for each in situation.journey.members if each != message.candidate),
            {name: message.params.get(name) for name in REASONS[message.kind]},
            BY_NAME[message.kind].undone_by.types,
        )
        for situation in situations
        if (message := situation.message).kind in REASONS and situation.journey.members
    ]


def _stored(known: KnownJourneys, message: Claimed) -> Stored:
    return known.get((message.campaign, message.candidate or ""), NOBODY)[1]


def _head(known: KnownJourneys, message: Claimed) -> tuple[JourneyKey, int]:
    """Under whose id the journey is stored of whom a message is about, and its version."""
    key = (message.campaign, message.candidate or "")
    head, stored = known.get(key, (key, NOBODY[1]))
    return head, stored.version


def _letter(situation: Situation, head: JourneyKey, version: int) -> Letter | NotNow:
    try:
        if situation.message.kind == TEMPLATE_TEST:
            return letter_of_a_test(situation)
        return composing.compose(situation)
    except NotNow as reason:
        if reason.status in ("held", "cancelled") and situation.message.candidate is not None:
            reason.seen = (*head, version)
        return reason
    except Exception as error:
        return unwritten(situation.message, error)


def unwritten(message: Claimed, error: Exception) -> NotNow:
    """Our own fault, or a message like no other: it waits to be tried by a mended sender, and the others go out."""
    log.error("message %d can't be written", message.id, exc_info=error)
    return NotNow("held", f"{UNWRITTEN}: {type(error).__name__} {error}")
