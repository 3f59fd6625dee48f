"""How a process tells its supervisor that it is ready: by a file, whose path the supervisor gave it."""

from __future__ import annotations

import os
from pathlib import Path


def at_once() -> None:
    """What a process waits for before it asks the servers: nothing, where they stand already."""


def mark_ready() -> None:
    """Touch `$YINFENG_READY_FILE`, where that is set."""
    path = os.environ.get("YINFENG_READY_FILE")
    if path:
        Path(path).touch()
