"""Mails become requests to SendGrid: one for each mail, or one for many of a kind (docs/decisions/0008-volume.md).

What such mails share says nothing of anybody: only two tags, in whose place SendGrid puts each person's own text and
HTML, and files that each of them has. So a mistake can't show one person what is another's.
"""

from __future__ import annotations

from base64 import b64encode
from collections import defaultdict
from collections.abc import Sequence
from typing import Any, Final, cast

import msgspec
import sendgrid.helpers.mail as sendgrid

from notifications.channels.port import Mail
from notifications.channels.sendgrid_events import ID_ARGUMENT
from schemas.messages import Attachment

MAX_SUBJECT: Final = 900
MOST: Final = 1000  # personalizations in a request
MAX_SUBSTITUTIONS: Final = 8000  # bytes; documented are 10,000, but users were refused above 8,000
_TAGS_BEGIN: Final = "%yinfeng_"
_WRITTEN_TAGS: Final = _TAGS_BEGIN.encode()
TEXT_TAG: Final = f"{_TAGS_BEGIN}text%"
HTML_TAG: Final = f"{_TAGS_BEGIN}html%"

MailGroup = list[Mail]
InCommon = tuple[str, str, str | None, tuple[Attachment, ...]]


def grouped(mails: Sequence[Mail], most: int) -> list[MailGroup]:
    """The mails of each request: of one kind, from the same, with the same attachments, at most `most`, no address
    twice; one that can't share is alone."""
    groups: list[MailGroup] = []
    open_to: defaultdict[InCommon, list[tuple[MailGroup, set[str]]]] = defaultdict(list)
    for mail in mails:
        if most < 2 or not may_share(mail):
            groups.append([mail])
            continue
        address = mail.to.casefold()
        shared = (mail.kind, mail.from_name, mail.reply_to, mail.attachments)
        for group, addresses in open_to[shared]:
            if address not in addresses and len(group) < most:
                group.append(mail)
                addresses.add(address)
                break
        else:
            groups.append([mail])
            open_to[shared].append((groups[-1], {address}))
    return groups


def may_share(mail: Mail) -> bool:
    """Whether its contents fit in substitutions, and have nothing in them that would be substituted once more."""
    written = mail.as_json()  # which has them as they are
    if _TAGS_BEGIN in mail.subject or _WRITTEN_TAGS in written.text or _WRITTEN_TAGS in written.html:
        return False
    return len(written.html) + len(written.text) <= _ROOM


def body(group: MailGroup, sender: dict[str, str]) -> dict[str, Any]:
    """The request for these mails, which `grouped` has put together. `sender`: email, and name where the mails have
    none."""
    name, reply_to = group[0].from_name or sender["name"], group[0].reply_to
    alone = group[0] if len(group) == 1 else None
    mail = sendgrid.Mail()
    mail.from_email = sendgrid.From()
    _address(mail.from_email, sender["email"], name)
    if reply_to:
        mail.reply_to = sendgrid.ReplyTo()
        mail.reply_to.email = reply_to
    mail.subject = alone.subject[:MAX_SUBJECT] if alone else name
    mail.content = [
        sendgrid.Content(sendgrid.MimeType.text, alone.text if alone else TEXT_TAG),
        sendgrid.Content(sendgrid.MimeType.html, alone.html if alone else HTML_TAG),
    ]
    mail.category = sendgrid.Category(group[0].kind)
    mail.tracking_settings = _UNTRACKED
    # Each of these the package puts before those that it has.
    for each in reversed(group):
        mail.add_personalization(_part(each, own=alone is None))
    for file in reversed(group[0].attachments):
        mail.add_attachment(_file(file))
    return cast("dict[str, Any]", mail.get())


def _file(attachment: Attachment) -> sendgrid.Attachment:
    file = sendgrid.Attachment(b64encode(attachment.data).decode(), attachment.name, attachment.content_type)
    file.disposition = "inline" if attachment.content_id else "attachment"
    if attachment.content_id:
        file.content_id = attachment.content_id
    return file


def part(mail: Mail, *, own: bool) -> dict[str, Any]:
    """One person's part of a request. `own`: with subject and contents, which otherwise stand in the request."""
    return cast("dict[str, Any]", _part(mail, own=own).get())


def _part(mail: Mail, *, own: bool) -> sendgrid.Personalization:
    part = sendgrid.Personalization()
    to = sendgrid.To()
    _address(to, mail.to, mail.to_name)
    part.add_to(to)
    part.add_custom_arg(sendgrid.CustomArg(ID_ARGUMENT, mail.nonce))
    for name, value in mail.headers.items():
        part.add_header(sendgrid.Header(name, value))
    if own:
        part.subject = mail.subject[:MAX_SUBJECT]
        for tag, value in _substitutions(mail).items():
            part.add_substitution(sendgrid.Substitution(tag, value))
    return part


def _address(field: sendgrid.Email, email: str, name: str) -> None:
    """Set one by one: given both at once, the package reads an address without a name as text that has one in it."""
    field.email, field.name = email, name


def _substitutions(mail: Mail) -> dict[str, str]:
    return {TEXT_TAG: mail.text, HTML_TAG: mail.html}


def _untracked() -> sendgrid.TrackingSettings:
    settings = sendgrid.TrackingSettings()
    settings.click_tracking = sendgrid.ClickTracking(enable=False, enable_text=False)
    return settings


_UNTRACKED: Final = _untracked()
_ROOM: Final = MAX_SUBSTITUTIONS - len(msgspec.json.encode({TEXT_TAG: "", HTML_TAG: ""}))
