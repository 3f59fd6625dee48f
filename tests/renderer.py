"""The one renderer of a test process: each template is compiled once."""

from __future__ import annotations

from typing import Final

from notifications.sending.rendering import Renderer

RENDERER: Final = Renderer()
