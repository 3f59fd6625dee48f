"""What became of mails that are sent together becomes records of their messages. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from datetime import datetime

from msgspec.structs import replace

from notifications.channels.port import Mail, Outcome
from notifications.sending.gathering import MadeOf
from notifications.sending.situation import ToldWith
from storage.messages.claiming import Claimed
from storage.messages.recording import WENT, Record
from storage.messages.sealed import Sealed
from storage.messages.transitions import TOLD_WITH


class Portion:
    """Messages that are sent together: what was made of each, the mails that go, and what is still to be recorded.
    `begun`: the messages of which it was noted with their claim that they go, which is to be asked again from
    `asks_from` on; `transaction`: that in which they were claimed; `made`: whether its mails are; `sealed`: what is to
    be kept of those of which it is sealed already."""

    def __init__(
        self, claimed: Sequence[Claimed], letters: Sequence[MadeOf], mails: Sequence[Mail], records: Sequence[Record]
    ) -> None:
        self.claimed, self.letters, self.mails = claimed, letters, mails
        self.begun: frozenset[int] = frozenset()
        self.asks_from: datetime | None = None
        self.transaction: str | None = None
        self.made = True
        self.sealed: Mapping[int, Sealed] = {}
        self._mails = {mail.id: mail for mail in mails}
        self._followers: dict[int, list[int]] = {}
        for message, letter in zip(claimed, letters, strict=True):
            if isinstance(letter, ToldWith):
                self._followers.setdefault(letter.leader, []).append(message.id)
        self._left = {record.id: record for record in records}
        self._known: set[int] = set()

    def with_followers(self, mails: Sequence[Mail]) -> list[int]:
        """The messages that these mails tell of."""
        return [id for mail in mails for id in (mail.id, *self._followers.get(mail.id, ()))]

    def broken(self, going: Sequence[Mail], ours: Set[int]) -> list[int]:
        """The messages of mails that tell of one that may not go: its candidate was erased or restricted since."""
        told = [[mail.id, *self._followers.get(mail.id, ())] for mail in going]
        return [id for each in told if not ours >= set(each) for id in each if id in ours]

    def begun_by(self, now: datetime) -> frozenset[int]:
        """The messages that have begun already, and are this sender's for certain: who stood still since the claim may
        have lost them."""
        return self.begun if self.asks_from is not None and now < self.asks_from else frozenset()

    def records(self, outcomes: Mapping[int, Outcome]) -> list[Record]:
        """What is to be recorded now that this became of these mails; what did not go, too."""
        told = {id: self._settled(id, each) for id, each in outcomes.items() if id not in self._known}
        found = list((self._left | told).values())
        return found + [follower for each in found for follower in self._told_with(each)]

    def recorded(self, records: Sequence[Record]) -> None:
        """These are stored."""
        self._known.update(record.id for record in records)
        self._left = {id: record for id, record in self._left.items() if id not in self._known}

    def _settled(self, id: int, outcome: Outcome) -> Record:
        return settled(self._mails[id], outcome, tuple(self._followers.get(id, ())), self.sealed.get(id))

    def _told_with(self, leader: Record) -> list[Record]:
        """Messages that another one's mail tells of: what became of it became of them."""
        why = leader.reason or f"{TOLD_WITH} {leader.id}"
        return [
            replace(
                leader, id=id, reason=why, subject=None, html=None, text=None, written=None, attachments=(), tells_of=()
            )
            for id in self._followers.get(leader.id, ())
        ]


def settled(mail: Mail, outcome: Outcome, tells_of: tuple[int, ...] = (), sealed: Sealed | None = None) -> Record:
    """What became of a mail, which tells of these other messages. Its contents are kept where it went, or may have
    gone: as they were `sealed`, else as they are."""
    now = outcome.status in WENT and sealed is None
    return Record(
        id=mail.id,
        status=outcome.status,
        reason=outcome.reason,
        recipient=mail.to,
        locale=mail.locale,
        subject=mail.subject,
        not_before=outcome.retry_at,
        html=mail.html if now else None,
        text=mail.text if now else None,
        written=mail.written if now else None,
        attachments=mail.attachments if now else (),
        sealed=sealed,
        suppress=outcome.suppress,
        tells_of=tells_of,
        untried=outcome.untried,
    )
