"""How a mail's reader reaches those who sent it: where answers go, and what is said of it in words. Pure."""

from __future__ import annotations

from notifications.sending.situation import Situation
from schemas.kinds import AUDIENCES, BY_NAME


def reached(situation: Situation, locale: str | None = None) -> tuple[str | None, list[tuple[str, str]]]:
    """Where answers to this mail go, and (who, how to reach them) as people read it. What speaks of one employer is
    answered by it, and by the organizer where it has said nothing. HR is the organizer itself, and is told nothing.
    `locale`: of the reader, where it is not the mail's."""
    kind, organizer = BY_NAME[situation.message.kind], situation.campaign
    if AUDIENCES[kind.name] == "hr":
        return None, []
    employer = situation.employer_row(situation.employer) if kind.answered_by == "employer" else None
    named = [(situation.called(employer["employer"], locale), employer)] if employer else []
    named += [(str(organizer.get("organizer") or ""), organizer)]
    contacts = [(who, str(row["contact"])) for who, row in named if row.get("contact")]
    reply_to = next((str(row["reply_to"]) for _, row in named if row.get("reply_to")), None)
    return reply_to, contacts
