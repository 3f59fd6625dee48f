"""A real IMAP server (Dovecot) with one mailbox, for as long as a test runs."""

from __future__ import annotations

import base64
import grp
import imaplib
import os
import pwd
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from schemas.mail_server import MailServer
from tests.stand_ins.smtp import HOST, certificate

USER, PASSWORD = "bounces@park.example", "p@ss:w/rd 引凤"
DOVECOT = shutil.which("dovecot")
_CONF = """
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/log
protocols = imap
listen = {host}
ssl = required
ssl_cert = <{folder}/server.pem
ssl_key = <{folder}/server.pem
disable_plaintext_auth = yes
auth_mechanisms = plain login
default_internal_user = {inner}
default_internal_group = {inner_group}
default_login_user = {login}
first_valid_uid = 1
mail_location = maildir:{folder}/mail
passdb {{
  driver = passwd-file
  args = username_format=%u {folder}/users
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={folder}/mail
}}
service anvil {{
  chroot =
}}
service stats {{
  chroot =
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {plain}
  }}
  inet_listener imaps {{
    port = {secure}
    ssl = yes
  }}
}}
"""


@dataclass(frozen=True)
class Dovecot:
    """`server`: by STARTTLS; `secure`: with TLS from the first byte; `tls` trusts both."""

    server: MailServer
    secure: MailServer
    tls: ssl.SSLContext

    @contextmanager
    def session(self) -> Iterator[imaplib.IMAP4]:
        with imaplib.IMAP4_SSL(HOST, self.secure.port, ssl_context=self.tls) as imap:
            imap.authenticate("PLAIN", lambda _: f"\0{USER}\0{PASSWORD}".encode())
            yield imap

    def deliver(self, *mails: bytes) -> None:
        """Put these mails into the mailbox, as if they had come."""
        with self.session() as imap:
            for mail in mails:
                assert imap.append("INBOX", "", "", mail)[0] == "OK"  # type: ignore[arg-type]

    def flags(self, folder: str = "INBOX") -> list[str]:
        """The flags of each mail of a folder."""
        with self.session() as imap:
            if imap.select(folder, readonly=True)[0] != "OK":
                return []
            _, found = imap.fetch("1:*", "(FLAGS)")
            return [each.decode().partition("FLAGS (")[2].rstrip(")") for each in found if isinstance(each, bytes)]


@contextmanager
def dovecot(folder: Path) -> Iterator[Dovecot]:
    """A running server; its files are in `folder`."""
    tls = certificate(folder)
    plain, secure = _free_port(), _free_port()
    (folder / "users").write_text(f"{USER}:{{PLAIN.b64}}{base64.b64encode(PASSWORD.encode()).decode()}\n")
    (folder / "mail").mkdir()
    (folder / "dovecot.conf").write_text(_conf(folder, plain, secure))
    server = subprocess.Popen([DOVECOT or "dovecot", "-F", "-c", str(folder / "dovecot.conf")])
    try:
        _wait(secure, server, folder)
        yield Dovecot(
            MailServer(HOST, plain, False, USER, PASSWORD), MailServer(HOST, secure, True, USER, PASSWORD), tls
        )
    finally:
        server.terminate()
        server.wait(10)


def _conf(folder: Path, plain: int, secure: int) -> str:
    """For root, who may not have mail, as its own users; for others as themselves."""
    me = pwd.getpwuid(os.getuid())
    inner, login, owner = (
        ("dovecot", "dovenull", pwd.getpwnam("nobody")) if me.pw_uid == 0 else (me.pw_name,) * 2 + (me,)
    )
    if me.pw_uid == 0:
        shutil.chown(folder / "mail", owner.pw_uid, owner.pw_gid)
        for each in (folder, *list(folder.parents)[:3]):  # on the way to it
            with suppress(OSError):
                each.chmod(each.stat().st_mode | 0o011)
    return _CONF.format(
        folder=folder,
        host=HOST,
        inner=inner,
        inner_group=grp.getgrgid(pwd.getpwnam(inner).pw_gid).gr_name,
        login=login,
        uid=owner.pw_uid,
        gid=owner.pw_gid,
        plain=plain,
        secure=secure,
    )


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        return int(taken.getsockname()[1])


def _wait(port: int, server: subprocess.Popen[bytes], folder: Path) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and server.poll() is None:
        with suppress(OSError), socket.create_connection((HOST, port), 1):
            return
        time.sleep(0.05)
    raise AssertionError(f"Dovecot did not start: {(folder / 'log').read_text() if (folder / 'log').exists() else ''}")
