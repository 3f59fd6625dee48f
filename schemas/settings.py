"""Settings: one validated class, read from environment variables `YINFENG_*`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from schemas.channels import WAYS, MailChannels, MailWay
from schemas.errors import ConfigurationError
from schemas.fields import Email, Url
from schemas.kafka import KafkaAccess, Mechanism, Protocol, Security
from schemas.mail_server import parse_mail_server, parse_mailbox

# What every IMAP server takes as it stands; in other letters folders have names of their own making there.
Folder = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._/-]{0,99}$")]


class Settings(BaseSettings):
    """Every setting of every process. Unset database and Kafka mean the embedded ones.

    `home` holds data, logs, the first key and the state of a running platform.
    `public_url` is how the outside reaches the web app (links in mails).
    `mail_by`: by which channel campaigns write that have chosen none; where two are set up, it must be said.
    `mail_abroad`: whether mail that leaves this machine leads abroad; unset: by SendGrid it does, by SMTP it does not.
    `imap_url` is the mailbox where mail comes back; what was read there goes into `imap_handled` where that is set.
    `oidc_issuer` is the identity provider by which people may sign in, `oidc_name` what they call it.
    `database_url` is a libpq URL (`postgresql://…`); `kafka` a list `host:port,host:port`.
    """

    model_config = SettingsConfigDict(env_prefix="YINFENG_", env_ignore_empty=True, extra="ignore")

    home: Path = Path(".yinfeng")
    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8000
    public_url: Url | None = None
    database_url: str | None = None
    kafka: str | None = None
    kafka_security_protocol: Protocol = "PLAINTEXT"
    kafka_sasl_mechanism: Mechanism | None = None
    kafka_sasl_username: str | None = None
    kafka_sasl_password: SecretStr | None = None
    kafka_ssl_cafile: Path | None = None
    kafka_ssl_certfile: Path | None = None
    kafka_ssl_keyfile: Path | None = None
    kafka_ssl_check_hostname: bool = True
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

    batch_size: Annotated[int, Field(ge=1, le=20_000)] = 2000
    senders: Annotated[int, Field(ge=1, le=16)] = 2
    progress_interval: Annotated[float, Field(ge=0.01, le=60)] = 0.25
    group_session_timeout: Annotated[float, Field(ge=1, le=300)] = 6.0

    keep_dead_letters_days: Annotated[int, Field(ge=1, le=36_500)] = 90
    keep_mails_days: Annotated[int, Field(ge=1, le=36_500)] = 400
    keep_attempts_days: Annotated[int, Field(ge=1, le=36_500)] = 400

    mail_from: Email = "no-reply@yinfeng.example"
    mail_from_name: str = "Yinfeng 引凤"
    hr_email: Email | None = None
    sendgrid_api_key: SecretStr | None = None
    sendgrid_host: Url = "https://api.sendgrid.com"
    sendgrid_timeout: Annotated[float, Field(gt=0, le=120)] = 10.0
    sendgrid_webhook_key: str | None = None
    smtp_url: SecretStr | None = None
    smtp_timeout: Annotated[float, Field(gt=0, le=20)] = 20.0
    imap_url: SecretStr | None = None
    imap_folder: Folder = "INBOX"
    imap_handled: Folder | None = None
    imap_timeout: Annotated[float, Field(gt=0, le=60)] = 20.0
    imap_every: Annotated[float, Field(ge=1, le=86_400)] = 60.0
    hr_alerts: SecretStr | None = None
    master_key_file: Path | None = None
    oidc_issuer: str | None = None
    oidc_client_id: str | None = None
    oidc_client_secret: SecretStr | None = None
    oidc_name: Annotated[str, Field(min_length=1, max_length=60)] = "OpenID Connect"
    mail_rate: Annotated[float, Field(gt=0, le=10_000)] | None = None
    mail_by: MailWay | None = None
    mail_abroad: bool | None = None
    mail_domain_rate: Annotated[float, Field(gt=0, le=10_000)] | None = None

    @field_validator("kafka")
    @classmethod
    def _kafka_addresses(cls, value: str | None) -> str | None:
        if value and not all(":" in part for part in value.split(",")):
            raise ValueError("must be host:port, or several separated by commas")
        return value or None

    @field_validator("database_url")
    @classmethod
    def _database_scheme(cls, value: str | None) -> str | None:
        if value and not value.startswith(("postgresql://", "postgres://")):
            raise ValueError("must start with postgresql://")
        return value or None

    @field_validator("sendgrid_api_key")
    @classmethod
    def _fit_for_a_header(cls, value: SecretStr | None) -> SecretStr | None:
        key = value.get_secret_value().strip() if value else ""
        if not all("!" <= each <= "~" for each in key):
            raise ValueError("must be the key alone, without spaces, line ends or letters beyond ASCII")
        return SecretStr(key) if key else None

    @field_validator("sendgrid_host")
    @classmethod
    def _without_a_slash(cls, value: str) -> str:
        return value.rstrip("/")

    @field_validator("sendgrid_webhook_key")
    @classmethod
    def _webhook_key(cls, value: str | None) -> str | None:
        if not value or not value.strip():
            return None
        # Cryptography takes 6 MB, which only those pay who use it.
        from schemas.webhook_key import parse_webhook_key  # noqa: PLC0415

        parse_webhook_key(value)
        return value.strip()

    @field_validator("smtp_url")
    @classmethod
    def _mail_server(cls, value: SecretStr | None) -> SecretStr | None:
        if not value:
            return None
        parse_mail_server(value.get_secret_value())
        return value

    @field_validator("imap_url")
    @classmethod
    def _mailbox(cls, value: SecretStr | None) -> SecretStr | None:
        if not value:
            return None
        parse_mailbox(value.get_secret_value())
        return value

    @field_validator("hr_alerts")
    @classmethod
    def _unset_when_empty(cls, value: SecretStr | None) -> SecretStr | None:
        return value if value and value.get_secret_value().strip() else None

    @model_validator(mode="after")
    def _one_usual_way(self) -> Self:
        if self.sendgrid_api_key and self.smtp_url and self.mail_by is None:
            raise ValueError(
                "YINFENG_SENDGRID_API_KEY and YINFENG_SMTP_URL are both set; say by YINFENG_MAIL_BY=sendgrid or smtp"
                " which one campaigns use that have chosen none, or unset one of them"
            )
        if self.mail_by not in (None, *self._ways):
            raise ValueError(f"YINFENG_MAIL_BY is {self.mail_by}, which is not set up")
        return self

    @model_validator(mode="after")
    def _whole_provider(self) -> Self:
        known = (self.oidc_issuer, self.oidc_client_id, self.oidc_client_secret)
        if any(known) and not all(known):
            raise ValueError(
                "YINFENG_OIDC_ISSUER, YINFENG_OIDC_CLIENT_ID and YINFENG_OIDC_CLIENT_SECRET go together;"
                " set all or none"
            )
        return self

    @model_validator(mode="after")
    def _let_in_by_kafka(self) -> Self:
        sasl = (self.kafka_sasl_mechanism, self.kafka_sasl_username, self.kafka_sasl_password)
        if self.kafka_security_protocol != "PLAINTEXT" and not self.kafka:
            raise ValueError("YINFENG_KAFKA_SECURITY_PROTOCOL is set, but YINFENG_KAFKA names no brokers")
        if "SASL" in self.kafka_security_protocol and not all(sasl):
            raise ValueError(
                f"YINFENG_KAFKA_SECURITY_PROTOCOL={self.kafka_security_protocol} needs YINFENG_KAFKA_SASL_MECHANISM,"
                " YINFENG_KAFKA_SASL_USERNAME and YINFENG_KAFKA_SASL_PASSWORD"
            )
        if "SASL" not in self.kafka_security_protocol and any(sasl):
            raise ValueError(
                "YINFENG_KAFKA_SASL_… says who we are, but YINFENG_KAFKA_SECURITY_PROTOCOL asks for nobody;"
                " set it to SASL_SSL (or SASL_PLAINTEXT)"
            )
        if self.kafka_ssl_keyfile and not self.kafka_ssl_certfile:
            raise ValueError("YINFENG_KAFKA_SSL_KEYFILE is set without YINFENG_KAFKA_SSL_CERTFILE")
        return self

    @property
    def kafka_access(self) -> KafkaAccess:
        """How Kafka is reached. Only where `kafka` is set."""
        password = self.kafka_sasl_password
        return KafkaAccess(
            self.kafka or "",
            Security(
                self.kafka_security_protocol,
                self.kafka_sasl_mechanism,
                self.kafka_sasl_username,
                password.get_secret_value() if password else None,
                self.kafka_ssl_cafile,
                self.kafka_ssl_certfile,
                self.kafka_ssl_keyfile,
                self.kafka_ssl_check_hostname,
            ),
        )

    @property
    def master_key(self) -> Path:
        """The file of the master keys, which wrap each person's key."""
        return self.master_key_file or self.home / "master.key"

    @property
    def erasures(self) -> Path:
        """The file of the register of erasures, beside the master key."""
        return self.master_key.with_name("erased.log")

    @property
    def mail_way(self) -> MailWay:
        """The channel by which candidates are written to, where their campaign has chosen none."""
        return self.mail_by or self._ways[0]

    @property
    def channels(self) -> MailChannels:
        """By which channels mail can go. What stays in the local mailbox goes nowhere."""
        outside: dict[bool | None, set[MailWay]] = {True: {"sendgrid", "smtp"}, False: set(), None: {"sendgrid"}}
        return MailChannels(self.mail_way, self._ways, frozenset(outside[self.mail_abroad]))

    @property
    def _ways(self) -> tuple[MailWay, ...]:
        there = {"sendgrid": self.sendgrid_api_key, "smtp": self.smtp_url, "local": True}
        return tuple(way for way in WAYS if there[way])

    @property
    def base_url(self) -> str:
        """The address of the web app as others reach it, without a slash at the end."""
        return (self.public_url or f"http://{self.host}:{self.port}").rstrip("/")


def load_settings(**overrides: object) -> Settings:
    """Read the environment. Raises ConfigurationError naming each bad variable."""
    try:
        return Settings(**overrides)  # type: ignore[arg-type]
    except ValidationError as error:
        lines = [f"{_variable(e['loc'])}{e['msg']}" for e in error.errors()]
        raise ConfigurationError("Wrong settings: " + "; ".join(lines)) from None


def _variable(place: tuple[int | str, ...]) -> str:
    """Which variable an error is about, where it is about one."""
    return f"YINFENG_{'.'.join(map(str, place)).upper()}: " if place else ""
