"""What goes with a mail about a fair: ticket and calendar file, and links to both.

The calendar file is the same for all who get it at once, so that their mails can share a request. The ticket's image is
one person's: its mail goes alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from zoneinfo import ZoneInfo

from notifications.sending import qr
from notifications.sending.calendar_file import FILE_NAME, FairEvent, calendar_file
from notifications.sending.fair_words import described
from notifications.sending.signed_links import Links
from notifications.sending.situation import Situation, Values
from notifications.sending.words import words
from schemas.kinds import BY_NAME, Kind
from schemas.messages import Attachment

TICKET_ID: Final = "ticket@yinfeng"
# As text, it would be garbled on its way where it is Chinese.
CALENDAR_TYPE: Final = "application/ics"


@dataclass(frozen=True, slots=True)
class Enclosed:
    """Values for the template: `ticket` (`url`, and `image` where it has one) and `calendar` (a URL), None where there
    is none; and the files. Kinds that carry nothing have no such values."""

    values: Values
    attachments: tuple[Attachment, ...] = ()


def enclosed(situation: Situation) -> Enclosed:
    """What goes with this message, as the fair stands now. A cancelled fair has no ticket, and those who never heard
    of it before need no file."""
    carries, row = BY_NAME[situation.message.kind], situation.fair_row()
    if carries.ticket is None and not carries.calendar:
        return Enclosed({})
    if row is None or (row["cancelled"] and carries.ticket):
        return Enclosed({"ticket": None, "calendar": None})
    ticket, image = _ticket(situation, row, carries)
    if not carries.calendar:
        return Enclosed({"ticket": ticket, "calendar": None}, image)
    file = situation.once(
        ("calendar", row["campaign"], row["fair"], situation.locale), lambda: _calendar(situation, row)
    )
    return Enclosed(
        {"ticket": ticket, "calendar": situation.links.url("calendar", situation.message.nonce)}, (*image, file)
    )


def _calendar(situation: Situation, row: Mapping[str, Any]) -> Attachment:
    event = fair_event(row, situation.campaign, situation.zone, situation.locale, situation.links)
    minute = situation.now.replace(second=0, microsecond=0)  # in which many portions have the same file
    return Attachment(FILE_NAME, CALENDAR_TYPE, calendar_file(event, minute))


def fair_event(
    row: Mapping[str, Any], campaign: Mapping[str, Any], zone: ZoneInfo, locale: str, links: Links
) -> FairEvent:
    """A fair for the calendar, of its stored row and its campaign's."""
    said = described(row, zone, locale)
    lines = [(campaign.get("title"), campaign.get("organizer")), (said["mode"], row["reason"])]
    return FairEvent(
        uid=links.uid(row["campaign"], row["fair"]),
        sequence=row["changes"],
        title=row["title"],
        starts_at=row["starts_at"],
        ends_at=row["ends_at"],
        zone=zone.key,
        place=said["place"],
        url=row["url"],
        description="\n".join(_joined(line, locale) for line in lines if any(line)),
        cancelled=row["cancelled"],
    )


def _ticket(
    situation: Situation, row: Mapping[str, Any], carries: Kind
) -> tuple[Values | None, tuple[Attachment, ...]]:
    """The ticket's values and its image. Online nobody is let in, and who waits for a seat has none."""
    if carries.ticket is None or row["mode"] == "online" or situation.place == "waiting":
        return None, ()
    url = situation.links.url("ticket", situation.message.nonce)
    if carries.ticket == "link":
        return {"url": url, "image": None}, ()
    image = Attachment("ticket.png", "image/png", qr.png(url), TICKET_ID)
    return {"url": url, "image": f"cid:{TICKET_ID}"}, (image,)


def _joined(line: Sequence[str | None], locale: str) -> str:
    said = [each for each in line if each]
    return words(locale, "calendar.both", one=said[0], other=said[1]) if len(said) > 1 else said[0]
