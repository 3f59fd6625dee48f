"""What claimed messages need to be written: their journeys, campaigns, fairs and suppressions, read for all at once."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from notifications import composing, suppression
from notifications.authoring.samples import letter_of_a_test
from notifications.case import Case, NotNow, ToldWith
from notifications.case import Sender as Writer
from notifications.composing import Letter
from notifications.grouping import HOUR, arranged
from notifications.waiting import takes_part
from schemas.journey import Journey
from schemas.messages import AUDIENCES, SIGNUP_CONFIRMATION, TEMPLATE_TEST
from storage import journeys, messages, places, surroundings
from storage.database import Conn
from storage.journeys import Stored
from storage.ledger import JourneyKey
from storage.links import Links
from storage.outgoing import UNWRITTEN, Claimed
from storage.surroundings import Surroundings

log = logging.getLogger(__name__)

Made = Letter | NotNow | ToldWith
NOBODY: Final = Stored(0, Journey())
BREATHE_EVERY: Final = 10  # letters between turns for others: a ticket's code takes milliseconds


async def letters_for(
    conn: Conn, claimed: Sequence[Claimed], writer: Writer, links: Links, now: datetime
) -> list[Made]:
    """A letter for each message, or why there is none now; read in a few queries for all, within a transaction."""
    keys = {(message.campaign, message.candidate) for message in claimed if message.candidate is not None}
    known = await journeys.load(conn, keys) if keys else {}
    around = await _around(conn, claimed, known, now)
    cases = [Case(each, _stored(known, each).journey, around, writer, links, now) for each in claimed]
    made: list[Made] = []
    for place, (case, message) in enumerate(zip(arranged(cases), claimed, strict=True)):
        if place % BREATHE_EVERY == BREATHE_EVERY - 1:
            await asyncio.sleep(0)
        made.append(_letter(case, _stored(known, message).version) if isinstance(case, Case) else case)
    await messages.request(conn, [why.instead for why in made if isinstance(why, NotNow) and why.instead])
    return await suppression.held_back(conn, claimed, made)


async def case_of(conn: Conn, message: Claimed, writer: Writer, links: Links, now: datetime) -> Case:
    """One message and all that is known around it, for looking at: nothing is changed by it, no seat given."""
    key = (message.campaign, message.candidate or "")
    journey = (await journeys.load(conn, [key]))[key].journey if message.candidate is not None else Journey()
    fair = message.params.get("fair")
    about = await surroundings.surroundings(conn, [message.campaign], [(message.campaign, fair)] if fair else [])
    about.places.update(await places.of(conn, [(message.campaign, fair, message.candidate)] if fair else []))
    case = Case(message, journey, about, writer, links, now)
    return replace(case, together=(case,))


async def _around(
    conn: Conn, claimed: Sequence[Claimed], known: Mapping[JourneyKey, Stored], now: datetime
) -> Surroundings:
    fairs = [(message.campaign, message.params["fair"]) for message in claimed if message.params.get("fair")]
    campaigns = {message.campaign for message in claimed}
    around = await surroundings.surroundings(conn, campaigns, fairs)
    to_hr = {message.campaign for message in claimed if AUDIENCES[message.kind] == "hr"}
    return replace(
        around,
        places=await _places(conn, claimed, known),
        to_hr=await surroundings.told_hr(conn, to_hr, since=now - HOUR) if to_hr else {},
    )


async def _places(
    conn: Conn, claimed: Sequence[Claimed], known: Mapping[JourneyKey, Stored]
) -> dict[places.Key, places.Place]:
    """Seats are given out when signups are confirmed, by the time of the signup; other mails look them up."""
    about = [message for message in claimed if message.candidate is not None and message.params.get("fair")]
    keys = {each.id: (each.campaign, each.params["fair"], each.candidate) for each in about}
    signups = [
        (_stored(known, each).journey.fairs[each.params["fair"]], keys[each.id])
        for each in about
        if each.kind == SIGNUP_CONFIRMATION and takes_part(_stored(known, each).journey, each.params["fair"])
    ]
    taken = await places.take(conn, [key for _, key in sorted(signups)])
    return taken | await places.of(conn, keys.values() - taken.keys())


def _stored(known: Mapping[JourneyKey, Stored], message: Claimed) -> Stored:
    return known.get((message.campaign, message.candidate or ""), NOBODY)


def _letter(case: Case, version: int) -> Letter | NotNow:
    try:
        if case.message.kind == TEMPLATE_TEST:
            return letter_of_a_test(case)
        return composing.compose(case)
    except NotNow as reason:
        if reason.status == "held" and case.message.candidate is not None:
            reason.seen = (case.message.campaign, case.message.candidate, version)
        return reason
    except Exception as error:
        return unwritten(case.message, error)


def unwritten(message: Claimed, error: Exception) -> NotNow:
    """Our own fault, or a message like no other: it waits to be tried by a mended sender, and the others go out."""
    log.error("message %d can't be written", message.id, exc_info=error)
    return NotNow("held", f"{UNWRITTEN}: {type(error).__name__} {error}")
