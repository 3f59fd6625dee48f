"""The address of an SMTP server: `smtp://host`, `smtp://user:password@host:587`, `smtps://user:password@host`."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import unquote

_PORTS: Final = {"smtp": 587, "smtps": 465}
_URL: Final = re.compile(
    r"(?P<scheme>smtps?)://"
    r"(?:(?P<user>[^:@/\s]+):(?P<password>[^@/\s]+)@)?"
    r"(?P<host>\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+)"
    r"(?::(?P<port>[0-9]{1,5}))?/?"
)


@dataclass(frozen=True, slots=True)
class MailServer:
    """Where mail is handed in. `tls`: from the first byte (smtps); otherwise by STARTTLS."""

    host: str
    port: int
    tls: bool
    user: str | None = None
    password: str | None = field(default=None, repr=False)


def parse_mail_server(url: str) -> MailServer:
    """Read such an address. Raises ValueError, which never says what the address was: it has a password in it."""
    found = _URL.fullmatch(url.strip())
    if found is None:
        raise ValueError(
            "must be smtp://host, smtp://user:password@host:587 or smtps://user:password@host; "
            "write : / @ and % in the user or password as %3A %2F %40 %25"
        )
    port = int(found["port"] or _PORTS[found["scheme"]])
    if not 0 < port < 65536:
        raise ValueError("the port must be between 1 and 65535")
    user, password = (unquote(found[name]) if found[name] else None for name in ("user", "password"))
    return MailServer(found["host"].strip("[]"), port, found["scheme"] == "smtps", user, password)
