"""A copy of the database before it is brought up to date, so that there is a way back."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import psycopg

from schemas.errors import ConfigurationError
from storage.setup import head, revision
from yinfeng.embedded.postgres import binaries

ROOM: Final = 1.2  # times the database's size that must be free: a copy is smaller, unless all in it is packed already


def copy_before_migrating(url: str, folder: Path, say: Callable[[str], None]) -> Path | None:
    """Write a copy of a database that is about to be changed into this folder. None where nothing will be changed, or
    there is nothing yet.

    Raises ConfigurationError when there is no room for it, or it can't be made: then nothing is changed.
    """
    before = revision(url)
    if before in (None, head()):
        return None
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    _require_room(url, folder)
    path = folder / f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-revision-{before}.dump"
    command: list[str | Path] = [binaries() / "pg_dump", "--format=custom", "--no-owner", f"--file={path}", url]
    made = subprocess.run(command, check=False, capture_output=True, text=True)  # noqa: S603 - our own words
    if made.returncode:
        path.unlink(missing_ok=True)
        raise ConfigurationError(f"no copy of the database could be made before it is changed: {made.stderr.strip()}")
    path.chmod(0o600)
    say(f"The database is of an earlier version. A copy of it is kept: {path}")
    return path


def _require_room(url: str, folder: Path) -> None:
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT pg_database_size(current_database())").fetchone()
    wanted, free = int((row[0] if row else 0) * ROOM), shutil.disk_usage(folder).free
    if free < wanted:
        raise ConfigurationError(
            f"the database is of an earlier version, and a copy of it may take {wanted >> 20} MB, but only"
            f" {free >> 20} MB are free in {folder}: make room there"
        )
