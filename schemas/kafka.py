"""How Kafka is reached: addresses, and what it takes to be let in. Each client library's words for it are here."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

Protocol = Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]
Mechanism = Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"]


@dataclass(frozen=True, slots=True)
class Security:
    """`cafile` holds whom to trust (unset: whom the system trusts); `certfile` and `keyfile` are our own certificate,
    where the brokers ask for one. The password is in no `repr`."""

    protocol: Protocol = "PLAINTEXT"
    mechanism: Mechanism | None = None
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    cafile: Path | None = None
    certfile: Path | None = None
    keyfile: Path | None = None
    check_hostname: bool = True

    def ssl_context(self) -> ssl.SSLContext | None:
        """The context of TLS; None without it. Raises OSError when a file can't be read or used."""
        if "SSL" not in self.protocol:
            return None
        context = ssl.create_default_context(cafile=str(self.cafile) if self.cafile else None)
        context.check_hostname = self.check_hostname
        if self.certfile:
            context.load_cert_chain(self.certfile, self.keyfile)
        return context

    def options(self) -> dict[str, Any]:
        """Keyword arguments of kafka-python's and aiokafka's clients. Raises OSError as `ssl_context` does."""
        sasl = {
            "sasl_mechanism": self.mechanism,
            "sasl_plain_username": self.username,
            "sasl_plain_password": self.password,
        }
        context = self.ssl_context()
        return {
            "security_protocol": self.protocol,
            **(sasl if self.mechanism else {}),
            **({"ssl_context": context} if context else {}),
        }


PLAINTEXT: Final = Security()


@dataclass(frozen=True, slots=True)
class KafkaAccess:
    """`addresses` is `host:port`, or several separated by commas."""

    addresses: str
    security: Security = PLAINTEXT

    @property
    def servers(self) -> list[str]:
        """The addresses one by one."""
        return self.addresses.split(",")

    def __str__(self) -> str:
        return self.addresses


def access(kafka: str | KafkaAccess) -> KafkaAccess:
    """Addresses alone are those of brokers that let everybody in."""
    return kafka if isinstance(kafka, KafkaAccess) else KafkaAccess(kafka)
