"""Log files are kept within bounds while they are written to."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Final

LOG_LIMIT: Final = 10 * 1024 * 1024  # bytes


def rotate(log: Path) -> None:
    """Move what a log holds to `….log.1`, once it holds more than LOG_LIMIT. Its writers go on at its beginning: they
    append, so the file must stay the same one. Raises OSError."""
    if log.exists() and log.stat().st_size > LOG_LIMIT:
        shutil.copyfile(log, log.with_suffix(".log.1"))
        os.truncate(log, 0)
