"""A form that was sent, and what it says: the types and the data of facts that are still to be made."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

FactSaid = tuple[str, dict[str, Any]]  # a type and its data, the campaign left out


class Wrong(Exception):
    """A field says what can't be, together with the others: the field, and the key of a text; `near`: names that were
    typed and are nobody's, each with that of somebody who may be meant."""

    def __init__(self, field: str, why: str, near: dict[str, str] | None = None) -> None:
        super().__init__(f"{field}: {why}")
        self.field, self.why, self.near = field, why, near or {}


@dataclass(frozen=True, slots=True)
class SentForm:
    """A form that was sent: its `values`; what its address names (`about`), candidates apart; `token`, its own;
    `zone` and `locale`: the campaign's."""

    form: str
    token: str
    values: dict[str, Any]
    about: dict[str, str]
    candidates: Sequence[str]
    zone: ZoneInfo
    locale: str
    now: datetime


def named(prefix: str, title: str, token: str) -> str:
    """An id that nobody had to think of: what is plain in the title, and a few random letters."""
    plain = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")[:40].strip("-")
    return f"{plain or prefix}-{token[:6]}"
