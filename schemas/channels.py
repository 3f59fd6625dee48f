"""By which channels mail can go here, and which of them lead abroad."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, get_args

MailWay = Literal["sendgrid", "smtp", "local"]
WAYS: Final[tuple[MailWay, ...]] = get_args(MailWay)


@dataclass(frozen=True, slots=True)
class MailChannels:
    """`usual`: by which a campaign's mail goes that has chosen none; `there`: those that are set up; `abroad`: those
    that lead there."""

    usual: MailWay = "local"
    there: tuple[MailWay, ...] = ("local",)
    abroad: frozenset[MailWay] = frozenset()

    def of(self, chosen: MailWay | None) -> MailWay:
        """By which the mail of a campaign goes that has chosen this; of what is not set up it waits."""
        return chosen or self.usual

    def leads_abroad(self, chosen: MailWay | None) -> bool:
        """Whether that leads abroad."""
        return self.of(chosen) in self.abroad
