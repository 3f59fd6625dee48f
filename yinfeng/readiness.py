"""How a process tells its supervisor that it is ready: by a file, whose path the supervisor gave it."""

from __future__ import annotations

import os
from pathlib import Path


def mark_ready() -> None:
    """Touch `$YINFENG_READY_FILE`, where that is set."""
    path = os.environ.get("YINFENG_READY_FILE")
    if path:
        Path(path).touch()
