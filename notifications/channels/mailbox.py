"""The local mailbox: mails stay in the database, where `/mailbox` shows them. For when no provider is set."""

from __future__ import annotations

from collections.abc import Sequence

from notifications.channels.port import SENT, Begin, Mail, Outcome, all_begin


class Mailbox:
    """Every mail that is recorded is kept; so there is nothing left to do."""

    name = "mailbox"
    keeps = True
    portion = 200
    lease = 15.0

    async def send(self, mails: Sequence[Mail], begin: Begin = all_begin) -> list[Outcome]:
        return [SENT for _ in mails]

    def at_once(self, mails: Sequence[Mail]) -> Sequence[Mail]:
        return ()

    async def close(self) -> None:
        pass
