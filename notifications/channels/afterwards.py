"""What is told of a mail after it went, in our words: by a provider's events, or by a report that came back."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

from notifications.rules.statuses import ProviderWord
from schemas.messages import SuppressionKind


@dataclass(frozen=True, slots=True)
class ProviderEvent:
    """One event. `word` is None where it changes no message's status, `message` where it names none of ours.

    `event` and `fingerprint` are digests: of its own name, and of what it says. `noted`: also where it changes no
    status, it stands in the message's history. `by_anybody`: nobody has signed it, so it counts only where it names
    the address that the message went to.
    """

    event: str
    fingerprint: str
    name: str
    message: str | None
    at: datetime | None
    word: ProviderWord | None
    address: str | None
    suppress: SuppressionKind | None
    reason: str
    noted: bool = False
    by_anybody: bool = False


def digest(*parts: Any) -> str:
    """A name for what these say, JSON values all."""
    return sha256(json.dumps(parts).encode()).hexdigest()
