"""A mail in the form that SMTP carries (RFC 5322, MIME): HTML and text from which the reader's program chooses,
images that the HTML shows, and files."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from datetime import datetime
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from typing import Final

from notifications.channels.port import Mail
from schemas.messages import Attachment

MAX_LINE: Final = 900  # of a subject or a name, in characters


def as_mime(mail: Mail, *, sender: str, sender_name: str, date: datetime) -> bytes:
    """The whole message. `date` has a time zone. Raises ValueError for an address that can't be written."""
    policy = SMTPUTF8 if needs_utf8(mail.to) else SMTP
    message = EmailMessage(policy=policy.clone(cte_type="7bit"))  # not every server takes 8 bits
    message["From"] = _address(sender_name, sender)
    message["To"] = _address(mail.to_name, ascii_domain(mail.to))
    message["Subject"] = _line(mail.subject)
    message["Date"] = date
    message["Message-ID"] = message_id(mail, sender)
    message["Auto-Submitted"] = "auto-generated"  # asks out-of-office programs not to answer (RFC 3834)
    for name, value in mail.headers.items():
        message[name] = value
    message.set_content(mail.text)
    message.add_alternative(mail.html, subtype="html")
    message["Content-Language"] = mail.locale
    _attach(message, mail.attachments)
    return message.as_bytes()


def _attach(message: EmailMessage, attachments: Sequence[Attachment]) -> None:
    """Images go into the HTML's own part, files beside the whole."""
    html = message.get_body(("html",))
    for each in attachments:
        main, _, sub = each.content_type.partition("/")
        if each.content_id is not None and isinstance(html, EmailMessage):
            html.add_related(each.data, main, sub, cid=f"<{each.content_id}>", filename=each.name, disposition="inline")
        else:
            message.add_attachment(each.data, main, sub, filename=each.name)


def message_id(mail: Mail, sender: str) -> str:
    """An id with our message's in it, the same at each try. Contents are in it too: where a database began anew, the
    ids do as well, and programs drop a mail whose id they have seen."""
    digest = hashlib.sha256(f"{mail.to}\n{mail.subject}\n{mail.text}".encode()).hexdigest()
    return f"<yinfeng.{mail.id}.{digest[:16]}@{ascii_domain(sender).rpartition('@')[2]}>"


def ascii_domain(address: str) -> str:
    """The address, its domain as DNS writes it. Raises ValueError when there is no such way to write it."""
    local, _, domain = address.rpartition("@")
    return f"{local}@{domain if domain.isascii() else domain.encode('idna').decode()}"


def needs_utf8(address: str) -> bool:
    """Whether only a server that knows SMTPUTF8 can take a mail to it."""
    return not address.rpartition("@")[0].isascii()


def _address(name: str, address: str) -> Address:
    local, _, domain = address.rpartition("@")
    try:
        if _OTHER_SCRIPT.fullmatch(local):  # which `addr_spec` has no room for
            return Address(_line(name), username=local, domain=domain)
        return Address(_line(name), addr_spec=address)
    except (MessageError, IndexError) as error:  # IndexError: the standard library's reader at an address's early end
        raise ValueError(str(error)) from None


def _line(text: str) -> str:
    """On one line, of characters that can be seen or that order the others; no header ends early."""
    return " ".join("".join(each if each.isprintable() or each in _KEPT else " " for each in text).split())[:MAX_LINE]


_OTHER_SCRIPT: Final = re.compile(r"(?=.*[^\x00-\x7f])[\w.!#$%&'*+/=?^`{|}~-]+")
_KEPT: Final = frozenset("\u200c\u200d\ufe0f")  # joiners, in names of several scripts and in emoji
