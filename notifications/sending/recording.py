"""Letters become mails, and what became of them becomes records. Pure, but for rendering."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence, Set
from dataclasses import replace
from hashlib import sha256
from typing import Final

from notifications.channels.header_text import one_line
from notifications.channels.port import Mail, Outcome
from notifications.sending.composing import Letter
from notifications.sending.gathering import Made, unwritten
from notifications.sending.rendering import Renderer
from notifications.sending.situation import NotNow, ToldWith
from schemas.errors import SendRefused
from schemas.messages import Status
from storage.messages.claiming import Claimed
from storage.messages.recording import Record
from storage.messages.transitions import TOLD_WITH, UNWRITTEN, Cause

log = logging.getLogger(__name__)


def prepare(renderer: Renderer, claimed: Sequence[Claimed], letters: Sequence[Made]) -> tuple[list[Mail], list[Record]]:
    """The mails that may go now, and the records of those that don't."""
    mails, records = [], []
    for message, letter in zip(claimed, letters, strict=True):
        if isinstance(letter, NotNow):
            records.append(_put_off(message, letter))
        if not isinstance(letter, Letter):
            continue
        try:
            mails.append(_mail(renderer, message, letter))
        except SendRefused as error:
            records.append(_refused(message, letter, error))
        except Exception as error:
            held = unwritten(message, error)
            records.append(Record(id=message.id, status=held.status, cause="held", reason=held.reason))
    return mails, records


def _mail(renderer: Renderer, message: Claimed, letter: Letter) -> Mail:
    rendered = renderer.render(letter.template or message.kind, letter.locale, letter.values, letter.own)
    return Mail(
        message.id,
        message.kind,
        letter.to,
        one_line(letter.to_name),
        letter.locale,
        one_line(letter.before_subject + rendered.subject),
        rendered.html,
        rendered.text,
        message.attempts + 1,
        letter.attachments,
        letter.unsubscribe,
        message.nonce,
        _occurrence(message),
        one_line(letter.from_name),
        letter.reply_to,
    )


def _occurrence(message: Claimed) -> str:
    """Names the fact that asked, without telling it."""
    said = f"{message.source}\n{message.fact}"
    return sha256(said.encode()).hexdigest()[:12] if message.fact else ""


def _refused(message: Claimed, letter: Letter, error: SendRefused) -> Record:
    """What HR's own template can't say waits until that is mended; ours is wrong for good."""
    log.error("message %d: %s", message.id, error)
    if letter.own is not None and letter.template is None:
        return Record(id=message.id, status="held", cause="held", reason=f"{UNWRITTEN}: {error}", recipient=letter.to)
    return Record(id=message.id, status="failed", reason=str(error), recipient=letter.to)


class Portion:
    """Messages that are sent together: what was made of each, the mails that go, and what is still to be recorded."""

    def __init__(
        self, claimed: Sequence[Claimed], letters: Sequence[Made], mails: Sequence[Mail], records: Sequence[Record]
    ) -> None:
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
        return settled(self._mails[id], outcome, tuple(self._followers.get(id, ())))

    def _told_with(self, leader: Record) -> list[Record]:
        """Messages that another one's mail tells of: what became of it became of them."""
        why = leader.reason or f"{TOLD_WITH} {leader.id}"
        return [
            replace(leader, id=id, reason=why, subject=None, html=None, text=None, attachments=(), tells_of=())
            for id in self._followers.get(leader.id, ())
        ]


def _put_off(message: Claimed, why: NotNow) -> Record:
    return Record(
        id=message.id,
        status=why.status,
        cause=_CAUSES[why.status],
        reason=why.reason,
        recipient=why.recipient,
        seen=why.seen,
        not_before=why.until,
    )


_CAUSES: Final[dict[Status, Cause]] = {
    "requested": "put_off",
    "held": "held",
    "suppressed": "suppressed",
    "cancelled": "moot",
}


def settled(mail: Mail, outcome: Outcome, tells_of: tuple[int, ...] = ()) -> Record:
    """What became of a mail, which tells of these other messages. Its contents are kept where it went, or may have
    gone."""
    went = outcome.status in ("sent", "unknown")
    return Record(
        id=mail.id,
        status=outcome.status,
        reason=outcome.reason,
        recipient=mail.to,
        locale=mail.locale,
        subject=mail.subject,
        not_before=outcome.retry_at,
        html=mail.html if went else None,
        text=mail.text if went else None,
        attachments=mail.attachments if went else (),
        suppress=outcome.suppress,
        tells_of=tells_of,
    )
