"""A template is tried: with a real candidate's data where there is some, else with a sample's; and before it is kept,
also without each value that a message may lack."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

import msgspec

from notifications.sending import composing
from notifications.sending.composing import Letter
from notifications.sending.gathering import situation_of
from notifications.sending.rendering import Renderer
from notifications.sending.samples import NOON, lacking, sample
from notifications.sending.signed_links import Links
from notifications.sending.situation import NotNow, Values, Writer
from schemas.errors import FieldError, SendRefused
from schemas.journey import Journey
from schemas.messages import Parts
from storage.database import Conn
from storage.messages import by_link

_NOTHING: Final = re.compile(r"\bnone\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Trial:
    """A letter to try a template with. `message` is the one whose data it has, None for a sample; `why_not`: why the
    candidate's own could not be taken, where one was asked for."""

    letter: Letter
    message: int | None = None
    why_not: str | None = None


@dataclass(frozen=True, slots=True)
class Workbench:
    """What trying needs of this installation."""

    sender: Writer
    links: Links
    renderer: Renderer


async def trial(
    conn: Conn,
    workbench: Workbench,
    campaign: Mapping[str, Any],
    kind: str,
    locale: str,
    *,
    candidate: str | None,
    now: datetime,
) -> Trial:
    """The newest message of this kind to this candidate as it would be written now; else a sample."""
    made = sample(kind, locale, campaign, sender=workbench.sender, links=workbench.links, now=now)
    if candidate is None:
        return Trial(made)
    found = await by_link.newest(conn, str(campaign["campaign"]), kind, candidate)
    if found is None:
        return Trial(made, why_not="there is no such message to this candidate")
    situation = await situation_of(conn, found, workbench.sender, workbench.links, now)
    if situation.journey.hidden is not None:  # also of what goes to them all the same
        return Trial(made, why_not="candidate restricted")
    situation.journey.attributes.pop("locale", None)
    situation.background.campaigns[found.campaign] = {**situation.campaign, "locale": locale}
    situation = replace(situation, now=now.astimezone(situation.zone).replace(hour=NOON))
    try:
        return Trial(composing.compose(replace(situation, together=(situation,))), found.id)
    except NotNow as why:
        return Trial(_named(made, situation.journey), why_not=why.reason)


def _named(letter: Letter, journey: Journey) -> Letter:
    name = journey.attribute("name")
    return (
        msgspec.structs.replace(letter, to_name=str(name), values={**letter.values, "name": str(name)})
        if name
        else letter
    )


def troubles(workbench: Workbench, kind: str, locale: str, parts: Parts, values: Values) -> list[FieldError]:
    """Everything that would stop or spoil a mail by this template: `values` are those of a sample. It
    takes a moment, and is for a thread."""
    found = workbench.renderer.faults(parts, values)
    if found:
        return found
    usual = _said(workbench, kind, locale, parts, values)
    if isinstance(usual, FieldError):
        return [usual]
    for path, without in lacking(kind, values):
        told = _said(workbench, kind, locale, parts, without)
        if isinstance(told, FieldError) or len(_NOTHING.findall(told)) > len(_NOTHING.findall(usual)):
            advice = f"{path} may be missing: say it within {{% if {path} %}} … {{% endif %}}"
            found.append(FieldError("content", advice))
    return found


def _said(workbench: Workbench, kind: str, locale: str, parts: Parts, values: Values) -> str | FieldError:
    try:
        made = workbench.renderer.render(kind, locale, values, parts)
    except SendRefused as error:
        return FieldError("content", str(error))
    return f"{made.subject}\n{made.text}"
