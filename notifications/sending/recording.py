"""Letters become mails, and what became of them becomes records. Pure, but for rendering."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace

from notifications.channels.port import Mail, Outcome
from notifications.sending.composing import Letter
from notifications.sending.gathering import Made, unwritten
from notifications.sending.rendering import Renderer
from notifications.sending.situation import NotNow, ToldWith
from schemas.errors import SendRefused
from storage.messages.sending import TOLD_WITH, UNWRITTEN, Claimed, Record

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
            records.append(Record(id=message.id, status=held.status, reason=held.reason))
    return mails, records


def _mail(renderer: Renderer, message: Claimed, letter: Letter) -> Mail:
    rendered = renderer.render(letter.template or message.kind, letter.locale, letter.values, letter.own)
    return Mail(
        message.id,
        message.kind,
        letter.to,
        letter.to_name,
        letter.locale,
        letter.before_subject + rendered.subject,
        rendered.html,
        rendered.text,
        message.attempts,
        letter.attachments,
        letter.unsubscribe,
    )


def _refused(message: Claimed, letter: Letter, error: SendRefused) -> Record:
    """What HR's own template can't say waits until that is mended; ours is wrong for good."""
    log.error("message %d: %s", message.id, error)
    if letter.own is not None and letter.template is None:
        return Record(id=message.id, status="held", reason=f"{UNWRITTEN}: {error}", recipient=letter.to)
    return Record(id=message.id, status="failed", reason=str(error), recipient=letter.to)


def told_with(records: Sequence[Record], claimed: Sequence[Claimed], letters: Sequence[Made]) -> list[Record]:
    """The records of messages that another one's mail tells of: what became of it became of them."""
    by_id = {record.id: record for record in records}
    return [
        replace(
            by_id[letter.leader],
            id=message.id,
            reason=by_id[letter.leader].reason or f"{TOLD_WITH} {letter.leader}",
            html=None,
            text=None,
        )
        for message, letter in zip(claimed, letters, strict=True)
        if isinstance(letter, ToldWith)
    ]


def _put_off(message: Claimed, why: NotNow) -> Record:
    return Record(
        id=message.id,
        status=why.status,
        reason=why.reason,
        recipient=why.recipient,
        seen=why.seen,
        not_before=why.until,
    )


def settled(mail: Mail, outcome: Outcome) -> Record:
    """What became of a mail. Its contents are kept where it went, or may have gone."""
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
    )
