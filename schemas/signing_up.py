"""What the public form says, as facts. Pure: the clock and the form's own name, of which ids are made, are passed in.

Whoever types an address has not shown that it is theirs. So of a person who is known nothing is changed but that they
take part: what they said of themselves, and their consent, they change on their own page.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from schemas import consents
from schemas.access import OWN
from schemas.facts import Fact, validate_event
from schemas.journey import Journey

KEPT: Final = ("phone", "education", "school", "major", "graduation_year")
MOST_NAMED: Final = 1000  # employers in one word of consent; where there are more, all of the person's fairs are meant


@dataclass(frozen=True, slots=True)
class Sent:
    """A form that was sent: where, its `values`, its own `name`, the language it was read in, and when. `employers`:
    those that take part in the fair."""

    campaign: str
    fair: str | None
    employers: tuple[str, ...]
    values: dict[str, Any]
    name: str
    lang: str
    now: datetime


def facts(sent: Sent, candidate: str, journey: Journey) -> list[Fact]:
    """The facts, of somebody of whom this journey is known. Raises InvalidFact."""
    known = journey.first_signup is not None
    about = {"campaign": sent.campaign, "candidate": candidate}
    said = [("candidate.signed_up", {**about, **(_as_known(sent, journey) if known else _as_typed(sent))})]
    if not known:
        said += [("consent.given", {**about, **word}) for word in _consents(sent)]
    at = journey.moment_after(sent.now)
    return [_fact(sent, nth, at, type, data) for nth, (type, data) in enumerate(said)]


def _as_known(sent: Sent, journey: Journey) -> dict[str, Any]:
    name = journey.attribute("name") or sent.values["name"]
    return {"name": name, "email": sent.values["email"], **_where(sent)}


def _as_typed(sent: Sent) -> dict[str, Any]:
    """Who did not tick said no, and it is kept as that."""
    kept: dict[str, Any] = {name: sent.values[name] for name in KEPT if name in sent.values}
    said: dict[str, Any] = {
        "name": sent.values["name"],
        "email": sent.values["email"],
        "locale": sent.lang,
        **kept,
        **_where(sent),
    }
    no: dict[str, Any] = {} if sent.values.get("employers") else {"consent": False}
    return said | no


def _where(sent: Sent) -> dict[str, Any]:
    return {"fair": sent.fair} if sent.fair is not None else {}


def _consents(sent: Sent) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    if sent.values.get("employers"):
        words = "employers" if sent.fair is not None else "employers_of_all"
        named = {"employers": list(sent.employers)} if 0 < len(sent.employers) <= MOST_NAMED else {}
        found.append({"purpose": "employers", "text": consents.read(words, sent.lang), **named})
    if sent.values.get("marketing"):
        found.append({"purpose": "marketing", "text": consents.read("marketing", sent.lang)})
    if sent.values.get("abroad"):
        found.append({"purpose": "abroad", "text": consents.read("abroad", sent.lang)})
    return found


def _fact(sent: Sent, nth: int, at: datetime, type: str, data: dict[str, Any]) -> Fact:
    return validate_event(
        {
            "specversion": "1.0",
            "id": f"{sent.name}-{nth}",
            "source": OWN,
            "type": type,
            "time": at.isoformat(),
            "datacontenttype": "application/json",
            "data": data,
        }
    )
