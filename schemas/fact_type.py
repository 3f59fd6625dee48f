"""What a row of the catalogue says of a type of facts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from schemas.data import Data


@dataclass(frozen=True, slots=True)
class FactType:
    """A row of the catalogue: its data's shape, what it means in both languages, and an example of its data."""

    name: str
    data: type[Data]
    meaning: str
    meaning_zh: str
    example: dict[str, Any]
