"""Messages: asked for, sent, told of, looked at. What the fold says of them is said from here."""

from __future__ import annotations

from storage.messages.asking import reconsider, release, release_abroad, request, under_way
from storage.messages.forgetting import forget

__all__ = ["forget", "reconsider", "release", "release_abroad", "request", "under_way"]
