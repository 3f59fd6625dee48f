"""What claimed messages need to be written: their journeys, campaigns, fairs and suppressions, read for all at once."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime

from notifications import composing, suppression
from notifications.case import Case, NotNow
from notifications.case import Sender as Writer
from notifications.composing import Letter
from schemas.journey import Journey
from storage import journeys, outgoing
from storage.database import Conn
from storage.journeys import Stored
from storage.links import Links
from storage.outgoing import UNWRITTEN, Claimed

log = logging.getLogger(__name__)


async def letters_for(
    conn: Conn, claimed: Sequence[Claimed], writer: Writer, links: Links, now: datetime
) -> list[Letter | NotNow]:
    """A letter for each message, or why there is none now; read in a few queries for all."""
    keys = {(message.campaign, message.candidate) for message in claimed if message.candidate is not None}
    known = await journeys.load(conn, keys) if keys else {}
    fairs = [(message.campaign, message.params["fair"]) for message in claimed if message.params.get("fair")]
    around = await outgoing.surroundings(conn, [message.campaign for message in claimed], fairs)
    nobody = Stored(0, Journey())
    letters = []
    for message in claimed:
        stored = known.get((message.campaign, message.candidate or ""), nobody)
        letters.append(_letter(Case(message, stored.journey, around, writer, links, now), stored.version))
    return await suppression.held_back(conn, claimed, letters)


def _letter(case: Case, version: int) -> Letter | NotNow:
    try:
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
