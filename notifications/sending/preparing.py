"""Letters become mails, or records of why they don't. Pure, but for rendering."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from hashlib import sha256
from typing import Final

from notifications.channels.header_text import one_line
from notifications.channels.port import Mail
from notifications.sending.composing import Letter
from notifications.sending.gathering import MadeOf, unwritten
from notifications.sending.rendering import Renderer
from notifications.sending.situation import NotNow
from schemas.errors import SendRefused
from schemas.messages import Status
from storage.messages.claiming import Claimed
from storage.messages.recording import Record
from storage.messages.transitions import UNWRITTEN, Cause

log = logging.getLogger(__name__)


def prepare(
    renderer: Renderer, claimed: Sequence[Claimed], letters: Sequence[MadeOf]
) -> tuple[list[Mail], list[Record]]:
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
        rendered.written,
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
