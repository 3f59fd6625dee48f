"""A mail in the form that SMTP carries (RFC 5322, MIME): HTML and text from which the reader's program chooses,
images that the HTML shows, and files."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from email import message_from_string
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8, EmailPolicy
from typing import Final

from notifications.channels.header_text import one_line
from notifications.channels.port import Mail
from schemas.messages import Attachment


def as_mime(mail: Mail, *, sender: str, sender_name: str, date: datetime) -> bytes:
    """The whole message. `date` has a time zone. Raises ValueError for an address that can't be written, and for a
    mail that would not be read as it was meant."""
    policy = SMTPUTF8 if needs_utf8(mail.to) else SMTP
    message = EmailMessage(policy=policy.clone(cte_type="7bit"))  # not every server takes 8 bits
    message["From"] = _address(mail.from_name or sender_name, sender)
    message["To"] = _address(mail.to_name, ascii_domain(mail.to))
    if mail.reply_to is not None:
        message["Reply-To"] = Address(addr_spec=mail.reply_to)
    message["Subject"] = one_line(mail.subject)
    message["Date"] = date
    message["Message-ID"] = message_id(mail, sender)
    message["Auto-Submitted"] = "auto-generated"  # asks out-of-office programs not to answer (RFC 3834)
    for name, value in mail.headers.items():
        message[name] = value
    message.set_content(mail.text)
    message.add_alternative(mail.html, subtype="html")
    message["Content-Language"] = mail.locale
    _attach(message, mail.attachments)
    addresses = {"From": sender, "To": ascii_domain(mail.to), "Reply-To": mail.reply_to}
    return _as_meant(message, {name: address for name, address in addresses.items() if address}, policy)


def _as_meant(message: EmailMessage, addresses: Mapping[str, str], policy: EmailPolicy[EmailMessage]) -> bytes:
    """The message as bytes, once a reader of these bytes finds the same headers in them, and in each of these the one
    address."""
    try:
        written = message.as_bytes()
        read = message_from_string(written.decode(), policy=policy)
        found = {name: [each.addr_spec for each in getattr(read[name], "addresses", ())] for name in addresses}
    except (MessageError, AttributeError, LookupError) as error:
        raise ValueError(f"it can't be written so that it is read as meant: {error}") from None
    if [name.lower() for name in read] != [name.lower() for name in message]:
        raise ValueError("it would be read with other headers than it was written with")
    meant = {name: str(value) for name, value in message.items()}
    strange = [name for name, value in read.items() if _bare(str(value)) != _bare(meant[name])]
    strange += [name for name, address in addresses.items() if found[name] != [address]]
    if strange:
        raise ValueError(f"these headers would be read otherwise than meant: {', '.join(dict.fromkeys(strange))}")
    return written


def _bare(value: str) -> str:
    """Without the spaces, which folding moves about."""
    return "".join(value.split())


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
    """A name for the mail, the same at each try, so that programs drop a second copy; another one where the same is
    told again since it happened again."""
    name = mail.nonce + (f".{mail.occurrence}" if mail.occurrence else "")
    return f"<yinfeng.{name}@{ascii_domain(sender).rpartition('@')[2]}>"


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
            return Address(one_line(name), username=local, domain=domain)
        return Address(one_line(name), addr_spec=address)
    except (MessageError, IndexError) as error:  # IndexError: the standard library's reader at an address's early end
        raise ValueError(str(error)) from None


_OTHER_SCRIPT: Final = re.compile(r"(?=.*[^\x00-\x7f])[\w.!#$%&'*+/=?^`{|}~-]+")
