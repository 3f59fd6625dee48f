"""What the routers of pages are given: how a page is drawn, what is said on it, and the time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from fastapi.responses import HTMLResponse

Page = Callable[..., HTMLResponse]
Clock = Callable[[], datetime]
TextOf = Callable[[str, str], str]  # a language and a key
