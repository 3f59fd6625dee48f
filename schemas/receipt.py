"""What an erased person is told: what is gone, and what remains where, until when. As docs/privacy.md has it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from schemas.texts import texts_of
from schemas.topics import FACTS, TOPICS

# A whole segment is deleted at a time, once its latest record is that old.
IN_TOPIC: Final = timedelta(milliseconds=sum(int(TOPICS[FACTS][1][name]) for name in ("retention.ms", "segment.ms")))


@dataclass(frozen=True, slots=True)
class Remains:
    """Something that is still there; `until`: None where nobody can say."""

    what: str
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Receipt:
    """`gone` and what remains, by the names of their texts."""

    erased_at: datetime
    gone: tuple[str, ...]
    remains: tuple[Remains, ...]

    def said(self, lang: str) -> dict[str, Any]:
        """As people read it."""
        return {
            "erased_at": self.erased_at,
            "gone": [_text(lang, name) for name in self.gone],
            "remains": [{"what": _text(lang, each.what), "until": each.until} for each in self.remains],
        }


def receipt(erased_at: datetime) -> Receipt:
    """The receipt of who asked then."""
    remains = (
        Remains("counts"),
        Remains("topic", erased_at + IN_TOPIC),
        Remains("pages"),
        Remains("copies"),
        Remains("sent"),
    )
    return Receipt(erased_at, ("person", "facts", "mails", "others"), remains)


def _text(lang: str, name: str) -> str:
    return texts_of("schemas")(lang, f"receipt.{name}")
