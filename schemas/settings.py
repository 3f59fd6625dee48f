"""Settings: one validated class, read from environment variables `YINFENG_*`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from schemas.errors import ConfigurationError


class Settings(BaseSettings):
    """Every setting of every process. Unset database and Kafka mean the embedded ones.

    `home` holds data, logs, the first key and the state of a running platform.
    `public_url` is how the outside reaches the web app (links in mails).
    `database_url` is a libpq URL (`postgresql://…`); `kafka` a list `host:port,host:port`.
    """

    model_config = SettingsConfigDict(env_prefix="YINFENG_", extra="ignore")

    home: Path = Path(".yinfeng")
    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8000
    public_url: str | None = None
    database_url: str | None = None
    kafka: str | None = None
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

    batch_size: Annotated[int, Field(ge=1, le=20_000)] = 2000
    batch_within: Annotated[float, Field(gt=0, le=5)] = 0.05
    progress_interval: Annotated[float, Field(ge=0.05, le=60)] = 0.25
    group_session_timeout: Annotated[float, Field(ge=1, le=300)] = 6.0

    mail_from: str = "no-reply@yinfeng.example"
    mail_from_name: str = "Yinfeng 引凤"
    hr_email: str | None = None
    sendgrid_api_key: SecretStr | None = None
    sendgrid_host: str = "https://api.sendgrid.com"
    sendgrid_timeout: Annotated[float, Field(gt=0, le=120)] = 10.0

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

    @property
    def base_url(self) -> str:
        """The address of the web app as others reach it, without a slash at the end."""
        return (self.public_url or f"http://{self.host}:{self.port}").rstrip("/")


def load_settings(**overrides: object) -> Settings:
    """Read the environment. Raises ConfigurationError naming each bad variable."""
    try:
        return Settings(**overrides)  # type: ignore[arg-type]
    except ValidationError as error:
        lines = [f"YINFENG_{'.'.join(map(str, e['loc'])).upper()}: {e['msg']}" for e in error.errors()]
        raise ConfigurationError("Wrong settings: " + "; ".join(lines)) from None
