"""Names of messages outside, for tests that look at the database from beside a platform that has sent some, and where
the lives of messages end."""

from __future__ import annotations

from storage.messages.nonces import Nonces

FINAL = frozenset({"sent", "delivered", "bounced", "dropped", "complained", "failed", "cancelled"})  # statuses
NAMED = "id, dedupe_key, nonce::text, (SELECT value FROM secrets WHERE name = 'nonces')"


def name_of(id: int, reason: str, drawn: str | None, key: bytes) -> str:
    """The name of a row that was read as NAMED."""
    return Nonces(bytes(key)).of(id, reason, drawn)
