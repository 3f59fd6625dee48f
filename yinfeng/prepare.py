"""What must stand before the processes start: topics, tables, and the first organizer key in a file of its own."""

from __future__ import annotations

import asyncio
import os
from functools import partial
from pathlib import Path

from schemas.errors import ConfigurationError
from schemas.settings import Settings
from storage.access import accounts, keys, once
from storage.database import connect, translated
from storage.revision import is_current
from storage.vault import rotating
from storage.vault.master import FileMaster, make_master
from yinfeng.forking import apart
from yinfeng.kafka_admin import create_topics
from yinfeng.surroundings import KEY_FILE


def prepare(settings: Settings, *, topics: bool = True) -> None:
    """Topics (unless somebody made them), tables and the first key; harmless to call again.

    Raises ConfigurationError when the settings name no servers, Unavailable when one does not answer.
    """
    if not settings.database_url or not settings.kafka:
        raise ConfigurationError("Set YINFENG_DATABASE_URL and YINFENG_KAFKA, or run `yinfeng up`")
    if topics:
        create_topics(settings.kafka_access)
    if not is_current(settings.database_url):
        apart(partial(_migrate, settings.database_url))
    asyncio.run(ensure_master_key(settings.database_url, settings.master_key))
    asyncio.run(ensure_first_key(settings.database_url, settings.home))


def _migrate(database_url: str) -> None:
    from storage.setup import migrate  # noqa: PLC0415 - see storage.revision

    migrate(database_url)


async def ensure_master_key(database_url: str, path: Path) -> None:
    """Make the file of the master key where nothing was ever wrapped here; else prove that it is the right one.

    Raises ConfigurationError: a new key would open nothing, and what is sealed with it meanwhile would be lost later.
    """
    async with await connect(database_url, name="master-key") as conn:
        with translated():
            if not await rotating.has_masters(conn):
                make_master(path)
            await rotating.require_master(conn, FileMaster(path))


async def ensure_first_key(database_url: str, home: Path) -> None:
    """Make an organizer key if there is no living one, and write it to `organizer.key` (mode 600)."""
    async with await connect(database_url, name="first-key") as conn:
        with translated():
            known = await keys.listed(conn)
            if any(key.role == "organizer" and key.revoked_at is None for key in known):
                return
            write_secret(home / KEY_FILE, await keys.create(conn, name="first organizer", role="organizer"))


async def first_link(database_url: str) -> str | None:
    """The token of the link, good once, where the first organizer makes an account; None where there is one."""
    async with await connect(database_url, name="first-link") as conn:
        with translated():
            if await accounts.has_organizer(conn):
                return None
            return await once.make(conn, "first")


def write_secret(path: Path, text: str) -> None:
    """Write a file that only its owner can read, in one step."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(".new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text + "\n")
    fresh.replace(path)
