"""Checked at the moment of sending: nothing goes to an address from which mail came back, or complaints."""

from __future__ import annotations

from collections.abc import Sequence

from notifications.sending.composing import Letter
from notifications.sending.situation import Left, NotNow, ToldWith
from schemas.kinds import AUDIENCES, MARKETING
from schemas.messages import SuppressionKind
from storage.database import Conn
from storage.messages import suppressions
from storage.messages.claiming import Claimed
from storage.messages.suppressions import Suppression
from storage.vault.at_hand import ReadSoFar


def blocks(suppression: SuppressionKind, kind: str, about: str = "") -> bool:
    """Whether a suppression, of the kind `about` alone unless that is empty, stops this kind of message. HR's own never
    stop: they tell HR of the others."""
    if AUDIENCES[kind] == "hr":
        return False
    return suppression != "unsubscribe" or (kind in MARKETING and about in ("", kind))


async def held_back(
    conn: Conn, claimed: Sequence[Claimed], letters: Sequence[Letter | NotNow | ToldWith | Left], reading: ReadSoFar
) -> list[Letter | NotNow | ToldWith | Left]:
    """The letters, where those to suppressed addresses are not to go; one query for all."""
    addresses = {letter.to for letter in letters if isinstance(letter, Letter)}
    found = await suppressions.of(conn, addresses, reading=reading) if addresses else {}
    return [_checked(message, letter, found) for message, letter in zip(claimed, letters, strict=True)]


def _checked(
    message: Claimed, letter: Letter | NotNow | ToldWith | Left, found: dict[str, list[Suppression]]
) -> Letter | NotNow | ToldWith | Left:
    if not isinstance(letter, Letter):
        return letter
    for each in found.get(letter.to.lower(), []):
        if blocks(each.kind, message.kind, each.about):
            why = NotNow("suppressed", f"{_WHY[each.kind]} on {each.since:%Y-%m-%d}")
            why.recipient = letter.to
            return why
    return letter


_WHY: dict[SuppressionKind, str] = {
    "hard_bounce": "mail to this address came back",
    "complaint": "the reader complained of spam",
    "unsubscribe": "the reader unsubscribed",
}
