"""The one renderer of a test process: making one compiles every template."""

from __future__ import annotations

from typing import Final

from notifications.sending.rendering import Renderer

RENDERER: Final = Renderer()
