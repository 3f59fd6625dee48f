"""A message becomes a letter: to whom, in which language, with which values; or it is not to be sent. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from notifications.case import Case, NotNow, Values
from notifications.hours import is_quiet, next_morning
from notifications.letters import COMPOSERS
from schemas.messages import AUDIENCES, OFFER_EXPIRING

NO_ADDRESS: Final = "no address"  # `storage.messages.release` lets these go once there is one
# Kinds that wait for the morning; reminders of fairs are timed so that they need not.
WAITS_FOR_MORNING: Final = frozenset({OFFER_EXPIRING})


@dataclass(frozen=True, slots=True)
class Letter:
    """A message ready to be rendered."""

    to: str
    to_name: str
    locale: str
    values: Values


def compose(case: Case) -> Letter:
    """Make the letter. Raises NotNow when it has no address, when what it says is no longer so, or at night."""
    if case.journey.erased:
        raise NotNow("cancelled", "candidate erased")
    own = COMPOSERS[case.message.kind](case)
    to, to_name = _address(case)
    if case.message.kind in WAITS_FOR_MORNING and is_quiet(case.now, case.zone):
        raise NotNow("requested", "waits for the morning", until=next_morning(case.now, case.zone))
    campaign = {
        "title": case.campaign.get("title") or case.message.campaign,
        "organizer": case.campaign.get("organizer") or case.sender.name,
    }
    return Letter(to, to_name, case.locale, {"name": to_name, "campaign": campaign, **own})


def _address(case: Case) -> tuple[str, str]:
    if AUDIENCES[case.message.kind] == "hr":
        return case.sender.hr_email or "hr@localhost", str(case.campaign.get("organizer") or case.sender.name)
    email, name = case.journey.attribute("email"), case.journey.attribute("name")
    if not email or not name:
        raise NotNow("held", NO_ADDRESS)
    return str(email), str(name)
