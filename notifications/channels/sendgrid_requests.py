"""Mails become requests to SendGrid: one for each mail, or one for many of a kind (docs/decisions/0008-volume.md).

What such mails share says nothing of anybody: only two tags, in whose place SendGrid puts each person's own text and
HTML, and files that each of them has. So a mistake can't show one person what is another's.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections import defaultdict
from collections.abc import Sequence
from typing import Any, Final

from notifications.channels.port import Mail
from schemas.messages import Attachment

ID_ARGUMENT: Final = "yinfeng_message"  # comes back at the top level of the provider's events
MAX_SUBJECT: Final = 900
MOST: Final = 1000  # personalizations in a request
MAX_SUBSTITUTIONS: Final = 8000  # bytes; documented are 10,000, but users were refused above 8,000
TEXT_TAG: Final = "%yinfeng_text%"
HTML_TAG: Final = "%yinfeng_html%"

Group = list[Mail]
Shared = tuple[str, str, str | None, tuple[Attachment, ...]]


def grouped(mails: Sequence[Mail], most: int) -> list[Group]:
    """The mails of each request: of one kind, from the same, with the same attachments, at most `most`, no address
    twice; one that can't share is alone."""
    groups: list[Group] = []
    open_to: defaultdict[Shared, list[tuple[Group, set[str]]]] = defaultdict(list)
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
    contents = mail.subject + mail.text + mail.html
    if TEXT_TAG in contents or HTML_TAG in contents:
        return False
    return len(json.dumps(_substitutions(mail)).encode()) <= MAX_SUBSTITUTIONS


def body(group: Group, sender: dict[str, str]) -> dict[str, Any]:
    """The request for these mails, which `grouped` has put together. `sender`: email, and name where the mails have
    none."""
    name, reply_to = group[0].from_name or sender["name"], group[0].reply_to
    text, html, subject = TEXT_TAG, HTML_TAG, name
    if len(group) == 1:
        text, html, subject = group[0].text, group[0].html, group[0].subject[:MAX_SUBJECT]
    request: dict[str, Any] = {
        "personalizations": [_part(mail) if len(group) == 1 else _part(mail) | _own(mail) for mail in group],
        "from": {**sender, "name": name},
        **({"reply_to": {"email": reply_to}} if reply_to else {}),
        "subject": subject,
        "content": [{"type": "text/plain", "value": text}, {"type": "text/html", "value": html}],
        "categories": [group[0].kind],
        "tracking_settings": {"click_tracking": {"enable": False, "enable_text": False}},
    }
    files = [_file(each) for each in group[0].attachments]
    return request | {"attachments": files} if files else request


def _file(attachment: Attachment) -> dict[str, str]:
    file = {
        "content": b64encode(attachment.data).decode(),
        "type": attachment.content_type,
        "filename": attachment.name,
        "disposition": "attachment",
    }
    if attachment.content_id is None:
        return file
    return file | {"disposition": "inline", "content_id": attachment.content_id}


def _part(mail: Mail) -> dict[str, Any]:
    part = {"to": [{"email": mail.to, "name": mail.to_name}], "custom_args": {ID_ARGUMENT: mail.nonce}}
    return part | {"headers": mail.headers} if mail.headers else part


def _own(mail: Mail) -> dict[str, Any]:
    return {"subject": mail.subject[:MAX_SUBJECT], "substitutions": _substitutions(mail)}


def _substitutions(mail: Mail) -> dict[str, str]:
    return {TEXT_TAG: mail.text, HTML_TAG: mail.html}
