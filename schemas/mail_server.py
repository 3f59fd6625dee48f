"""The addresses of mail servers: `smtp://host`, `smtp://user:password@host:587`, `smtps://user:password@host`; and of
the mailbox where mail comes back: `imaps://user:password@host`, `imap://user:password@host`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import unquote

_SMTP: Final = {"smtp": 587, "smtps": 465}
_IMAP: Final = {"imap": 143, "imaps": 993}
_URL: Final = re.compile(
    r"(?P<scheme>[a-z]+)://"
    r"(?:(?P<user>[^:@/\s]+):(?P<password>[^@/\s]+)@)?"
    r"(?P<host>\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+)"
    r"(?::(?P<port>[0-9]{1,5}))?/?"
)


@dataclass(frozen=True, slots=True)
class MailServer:
    """Where mail is handed in or fetched. `tls`: from the first byte (smtps, imaps); otherwise by STARTTLS."""

    host: str
    port: int
    tls: bool
    user: str | None = None
    password: str | None = field(default=None, repr=False)


def parse_mail_server(url: str) -> MailServer:
    """Read such an address. Raises ValueError, which never says what the address was: it has a password in it."""
    return _parse(url, _SMTP, "must be smtp://host, smtp://user:password@host:587 or smtps://user:password@host")


def parse_mailbox(url: str) -> MailServer:
    """Read the address of a mailbox, which nobody opens without a password. Raises ValueError as above."""
    example = "must be imaps://user:password@host, or imap://user:password@host (by STARTTLS)"
    found = _parse(url, _IMAP, example)
    if found.user is None:
        raise ValueError(example)
    return found


def _parse(url: str, ports: Mapping[str, int], example: str) -> MailServer:
    found = _URL.fullmatch(url.strip())
    if found is None or found["scheme"] not in ports:
        raise ValueError(f"{example}; write : / @ and % in the user or password as %3A %2F %40 %25")
    port = int(found["port"] or ports[found["scheme"]])
    if not 0 < port < 65536:
        raise ValueError("the port must be between 1 and 65535")
    user, password = (unquote(found[name]) if found[name] else None for name in ("user", "password"))
    return MailServer(found["host"].strip("[]"), port, found["scheme"].endswith("s"), user, password)
