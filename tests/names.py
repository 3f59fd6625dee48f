"""Names of messages outside, for tests that look at the database from beside a platform that has sent some."""

from __future__ import annotations

from storage.messages.nonces import Nonces

NAMED = "id, dedupe_key, nonce::text, (SELECT value FROM secrets WHERE name = 'nonces')"


def name_of(id: int, reason: str, drawn: str | None, key: bytes) -> str:
    """The name of a row that was read as NAMED."""
    return Nonces(bytes(key)).of(id, reason, drawn)
