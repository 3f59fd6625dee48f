"""What a command of the CLI works on: the platform running here, or the one that settings and options name."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from schemas.errors import ConfigurationError, DatabaseUnavailable
from schemas.settings import Settings
from storage.database import require_own_session
from yinfeng.status_file import read_state

KEY_FILE = "organizer.key"


@dataclass(frozen=True, slots=True)
class Api:
    """Where the web app answers, and the key to ask it with."""

    url: str
    key: str


def servers(settings: Settings) -> Settings:
    """The same settings with both servers named: those given, else those of the platform that runs on the home.

    Raises ConfigurationError when there are neither.
    """
    if settings.database_url and settings.kafka:
        return settings
    state = read_state(settings.home)
    found = {
        "database_url": settings.database_url or (state.database_url if state else None),
        "kafka": settings.kafka or (state.kafka if state else None),
    }
    if not all(found.values()):
        raise ConfigurationError(
            f"Nothing runs in {settings.home}: start it with `yinfeng up`,"
            " or set YINFENG_DATABASE_URL and YINFENG_KAFKA"
        )
    return settings.model_copy(update=found)


def checked(settings: Settings) -> Settings:
    """The same. Raises ConfigurationError where the servers can't do what we need; one that is away is waited for by
    those who use it."""
    named = servers(settings)
    with suppress(DatabaseUnavailable):
        require_own_session(named.database_url or "")
    return named


def api(settings: Settings, url: str | None, key: str | None) -> Api:
    """The web app: by option, `YINFENG_URL`, the platform running here; the key by option, `YINFENG_KEY`, the key file.

    Raises ConfigurationError when there is no key.
    """
    state = read_state(settings.home)
    address = url or os.environ.get("YINFENG_URL") or (state.address if state else settings.base_url)
    token = key or os.environ.get("YINFENG_KEY") or _read_key(settings.home)
    if not token:
        raise ConfigurationError(
            f"No key: {settings.home / KEY_FILE} can't be read. Give one with --key or YINFENG_KEY"
        )
    return Api(address.rstrip("/"), token)


def _read_key(home: Path) -> str | None:
    try:
        return (home / KEY_FILE).read_text().strip() or None
    except OSError:
        return None
