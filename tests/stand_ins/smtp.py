"""A real SMTP server (aiosmtpd) that refuses, delays and hangs up as it is told."""

from __future__ import annotations

import asyncio
import ssl
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Literal

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

HOST = "127.0.0.1"
USER, PASSWORD = "park", "p@ss:w/rd 引凤"
Step = Literal["MAIL", "RCPT", "DATA"]


@dataclass(frozen=True)
class Reply:
    """What is answered at one step. An empty `text` hangs up instead; at DATA, the mail is kept if `keeps` says so."""

    step: Step
    text: str = ""
    keeps: bool = False
    delay: float = 0


@dataclass
class SmtpStandIn:
    """`script_for` has what happens to the mails of one address, in turn; `refuses_log_in` is said to every AUTH."""

    port: int = 0
    script_for: dict[str, list[Reply]] = field(default_factory=dict)
    refuses_log_in: str = ""
    accepted: list[tuple[list[str], EmailMessage]] = field(default_factory=list)
    connections: int = 0
    log_ins: list[str] = field(default_factory=list)
    secured: list[bool] = field(default_factory=list)
    tls: ssl.SSLContext | None = None  # one that trusts this server

    def addresses(self) -> Counter[str]:
        return Counter(address for to, _ in self.accepted for address in to)

    def next(self, address: str, step: Step) -> Reply | None:
        waiting = self.script_for.get(address, [])
        return waiting.pop(0) if waiting and waiting[0].step == step else None


class _Handler:
    def __init__(self, stand_in: SmtpStandIn) -> None:
        self._stand_in = stand_in

    async def handle_MAIL(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        reply = self._stand_in.next("MAIL", "MAIL")
        if reply is None:
            envelope.mail_from = address
            envelope.mail_options.extend(options)
        return await _say(server, reply, "250 OK")

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        reply = self._stand_in.next(address, "RCPT")
        if reply is None:
            envelope.rcpt_tos.append(address)
        return await _say(server, reply, "250 OK")

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        reply = self._stand_in.next(envelope.rcpt_tos[0], "DATA")
        if reply is None or reply.keeps:
            content = message_from_bytes(envelope.content or b"", policy=default)  # type: ignore[arg-type]
            self._stand_in.accepted.append((envelope.rcpt_tos, content))
            self._stand_in.secured.append(session.ssl is not None)
        return await _say(server, reply, "250 taken")


async def _say(server: SMTP, reply: Reply | None, otherwise: str) -> str:
    if reply is None:
        return otherwise
    await asyncio.sleep(reply.delay)
    if not reply.text:
        server.transport.abort()
    return reply.text or otherwise


class _Server(SMTP):
    stand_in: SmtpStandIn

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if not hasattr(self, "_counted"):  # STARTTLS makes the connection anew
            self._counted = True
            self.stand_in.connections += 1
        super().connection_made(transport)


class _Controller(Controller):
    def __init__(self, stand_in: SmtpStandIn, **more: Any) -> None:
        self._stand_in = stand_in
        super().__init__(_Handler(stand_in), hostname=HOST, port=0, **more)

    def factory(self) -> SMTP:
        server = _Server(self.handler, **self.SMTP_kwargs)
        server.stand_in = self._stand_in
        return server

    def _trigger_server(self) -> None:
        """Its port is known only now that it listens."""
        self.port = self.server.sockets[0].getsockname()[1]  # type: ignore[union-attr]
        super()._trigger_server()


@contextmanager
def smtp_stand_in(folder: Path, *, log_in: bool = False, tls: Literal["", "start", "at once"] = "") -> Iterator[Any]:
    """A running server. `log_in`: mail is taken from those alone who gave USER and PASSWORD."""
    stand_in = SmtpStandIn()
    context = _certified(folder, stand_in) if tls else None
    more: dict[str, Any] = {"enable_SMTPUTF8": True}
    if log_in:
        more |= {"authenticator": _authenticator(stand_in), "auth_required": True, "auth_require_tls": tls == "start"}
    more |= {"tls_context": context} if tls == "start" else {"ssl_context": context} if tls else {}
    controller = _Controller(stand_in, **more)
    controller.start()
    stand_in.port, stand_in.connections = controller.port, 0
    try:
        yield stand_in
    finally:
        controller.stop()


def _authenticator(stand_in: SmtpStandIn) -> Any:
    def authenticate(server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
        assert isinstance(data, LoginPassword)
        stand_in.log_ins.append(mechanism)
        if stand_in.refuses_log_in:
            return AuthResult(success=False, handled=False, message=stand_in.refuses_log_in)
        right = (data.login.decode(), data.password.decode()) == (USER, PASSWORD)
        return AuthResult(success=right, handled=False)

    return authenticate


def _certified(folder: Path, stand_in: SmtpStandIn) -> ssl.SSLContext:
    stand_in.tls = certificate(folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem")
    return context


def certificate(folder: Path) -> ssl.SSLContext:
    """A certificate for HOST, with its key in `server.pem`; and a context that trusts it."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a mail server of the tests")])
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(HOST))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "server.pem").write_bytes(secret + pem)
    return ssl.create_default_context(cadata=pem.decode())
