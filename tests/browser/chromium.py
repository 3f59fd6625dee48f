"""Which browser looks at pages."""

from __future__ import annotations

import shutil
from typing import Final

from playwright.sync_api import Browser, Playwright

# The first draws pages alone, as Playwright's own does; the other a window around them, which nobody sees and which
# takes as much of the processors again.
NAMES: Final = ("chromium-headless-shell", "chromium")
ARGUMENTS: Final = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]


def found() -> str | None:
    """Where it is."""
    return next(filter(None, map(shutil.which, NAMES)), None)


def launch(playwright: Playwright, path: str) -> Browser:
    return playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
