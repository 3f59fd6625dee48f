"""The first organizer key: made once, left in a file that only its owner can read."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from schemas.settings import Settings
from storage import keys
from storage.database import connect, translated
from storage.setup import create_tables
from yinfeng.prepare import prepare
from yinfeng.surroundings import KEY_FILE


def prepare_all(settings: Settings) -> None:
    """Topics, tables and the first key; harmless to call again. Raises Unavailable or ConfigurationError."""
    prepare(settings)
    create_tables(settings.database_url or "")
    asyncio.run(ensure_first_key(settings.database_url or "", settings.home))


async def ensure_first_key(database_url: str, home: Path) -> None:
    """Make an organizer key if there is no living one, and write it to `organizer.key` (mode 600)."""
    async with await connect(database_url, name="first-key") as conn:
        with translated():
            known = await keys.listed(conn)
            if any(key.role == "organizer" and key.revoked_at is None for key in known):
                return
            write_secret(home / KEY_FILE, await keys.create(conn, name="first organizer", role="organizer"))


def write_secret(path: Path, text: str) -> None:
    """Write a file that only its owner can read, in one step."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(".new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text + "\n")
    fresh.replace(path)
