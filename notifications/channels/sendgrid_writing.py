"""Requests to SendGrid as bytes. What those of one shape share is made by the package and written once, with marks in
the places of one person's words; then each person's words are put there, as JSON has them.

A request written so says the same, value by value, as one that is made whole; where a mark could be taken for another,
it is made whole.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec
from msgspec.structs import replace
from sendgrid.helpers.mail.validators import ValidateApiKey

from notifications.channels.port import Mail
from notifications.channels.sendgrid_requests import MAX_SUBJECT, MailGroup, body, part
from schemas.messages import as_json

MOST: Final = 256  # shapes that are kept
WORDS: Final = ("to", "to_name", "nonce", "subject", "text", "html", "unsubscribe")
OPTIONAL: Final = ("to_name", "subject", "unsubscribe")  # whether a mail has them is of its shape: see `_lacks`
_OPEN, _CLOSE = "\ue000", "\ue001"  # of no writing
_MARK: Final = re.compile(f"{_OPEN}([0-9]){_CLOSE}".encode())
_PARTS: Final = f"{_OPEN}parts{_CLOSE}"

Chunks = Sequence[bytes | int]  # texts, and between two of them the number of the word that comes there


class Requests:
    """Written for mails of one sender: its email, and name where the mails have none."""

    def __init__(self, sender: dict[str, str]) -> None:
        self._sender = sender
        self._shapes = OrderedDict[tuple[Any, ...], Chunks]()
        self._validator = ValidateApiKey()

    def write(self, group: MailGroup) -> list[bytes]:
        """The request for these mails, which `grouped` has put together, in pieces: put together it would be copied as
        a whole. Raises ApiKeyIncludedException where a mail begins like an API key."""
        first = group[0]
        if _OPEN in f"{first.kind}{first.from_name}{first.reply_to}{self._sender['name']}":
            return [_encode(body(group, self._sender))]
        if len(group) > 1:
            return self._of_many(group)
        return self._of_one(first) if not first.attachments else [_encode(body(group, self._sender))]

    def _of_one(self, mail: Mail) -> list[bytes]:
        for said in (mail.text, mail.html):
            self._validator.validate_message_text(said)
        shape = (mail.kind, mail.from_name, mail.reply_to, *_lacks(mail))
        return [_filled(self._pieces(shape, mail, lambda marked: body([marked], self._sender)), mail)]

    def _of_many(self, group: MailGroup) -> list[bytes]:
        shared = _encode({**body(group[:2], self._sender), "personalizations": _PARTS})
        before, _, after = shared.partition(_encode(_PARTS))
        request, between = [before], b"["
        for mail in group:
            own = self._pieces(_lacks(mail), mail, lambda marked: part(marked, own=True))
            request += (between, _filled(own, mail))
            between = b","
        return [*request, b"]", after]

    def _pieces(self, shape: tuple[Any, ...], mail: Mail, make: Callable[[Mail], dict[str, Any]]) -> Chunks:
        found = self._shapes.get(shape)
        if found is None:
            made = _MARK.split(_encode(make(_marked(mail))))
            found = self._shapes[shape] = [int(each) if place % 2 else each for place, each in enumerate(made)]
            if len(self._shapes) > MOST:
                self._shapes.popitem(last=False)
        return found


def _lacks(mail: Mail) -> tuple[bool, ...]:
    return (not mail.to_name, not mail.subject, not mail.unsubscribe)


def _marked(mail: Mail) -> Mail:
    """With marks for its words, also for those that are empty in this one: the next of its shape has them."""
    marks: dict[str, Any] = {
        name: f"{_OPEN}{number}{_CLOSE}"
        for number, name in enumerate(WORDS)
        if getattr(mail, name) or name not in OPTIONAL
    }
    return replace(mail, attachments=(), **marks)


def _filled(pieces: Chunks, mail: Mail) -> bytes:
    written = mail.as_json()
    words = [
        as_json(mail.to),
        as_json(mail.to_name),
        as_json(mail.nonce),
        as_json(mail.subject[:MAX_SUBJECT]),
        written.text,
        written.html,
        as_json(mail.unsubscribe or ""),
    ]
    return b"".join([words[each] if isinstance(each, int) else each for each in pieces])


_encode: Final = msgspec.json.Encoder().encode
