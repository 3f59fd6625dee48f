"""SendGrid's v3 Mail Send: how it is asked, and what its answers mean.

202 alone means that a mail was taken. What can't be known is said to be unknown (`SendUnknown`), never guessed.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import chain
from time import monotonic
from typing import Final

from sendgrid import SendGridAPIClient
from sendgrid.helpers.mail import ApiKeyIncludedException

from notifications.channels.connection import Answer, NoAnswer
from notifications.channels.port import SENT, STOPPED, TAKEN, Begin, Mail, Outcome, all_begin, outcome_of, shown
from notifications.channels.sendgrid_requests import MailGroup, grouped
from notifications.channels.sendgrid_writing import Requests
from notifications.channels.transport import NeverConnected, Wire
from schemas.errors import ChannelRefused, SendFailed, SendRefused, SendRetryable, SendUnknown

log = logging.getLogger(__name__)

AT_ONCE: Final = 16  # requests under way at the same time
MOST_IN_DOUBT: Final = 8  # unknown outcomes in a row, before a batch is broken off
FIRST_PORTION: Final = 16
MOST_SINGLE: Final = 128  # mails in a batch where each is a request
WAVE: Final = 2 * AT_ONCE  # requests of which no answer is recorded yet: so many are in doubt when a sender is killed
GROWTH: Final = 4
MOST_PLANNED: Final = 8  # portions that are put together and not sent yet; one that never is must not stay
BATCH_SECONDS: Final = 20.0  # after which no other request is begun: claims last for a minute
PATH: Final = "/v3/mail/send"
_NEXT_TIME: Final = Outcome("requested", "its batch took long; it goes with the next one", untried=True)


class SendGrid:
    """Sends a few requests at a time. `most`: mails in one request.

    Where that is more than one, portions grow while everything goes well: while it doesn't, few mails are in doubt.
    """

    name = "sendgrid"
    keeps = False

    def __init__(
        self, api_key: str, *, host: str, timeout: float, sender: str, sender_name: str, most: int = 1
    ) -> None:
        headers = SendGridAPIClient(api_key).client.request_headers
        self._wire = Wire(host + PATH, headers, timeout=timeout)
        self.lease = 3 * timeout + 30  # the time of a batch, and that of its last requests
        self.portion, self._most = FIRST_PORTION, most
        self._requests = Requests({"email": sender, "name": sender_name})
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._closed, self._under_way = False, 0
        self._planned: list[tuple[Sequence[Mail], list[MailGroup]]] = []

    async def send(self, mails: Sequence[Mail], begin: Begin = all_begin) -> list[Outcome]:
        """In waves of requests: only what is in the wave under way is in doubt when this process is killed."""
        self._under_way += 1
        try:
            return await self._all(mails, begin)
        finally:
            self._under_way -= 1
            self._let_go()

    def at_once(self, mails: Sequence[Mail]) -> Sequence[Mail]:
        """Its first wave."""
        if self._closed or not mails:
            return ()
        groups = grouped(mails, self._most)
        self._planned = [*self._planned[1 - MOST_PLANNED :], (mails, groups)]
        return [mail for group in groups[:WAVE] for mail in group]

    async def _all(self, mails: Sequence[Mail], begin: Begin) -> list[Outcome]:
        batch, groups = _Batch(monotonic() + BATCH_SECONDS), self._grouped(mails)
        outcomes: dict[int, Outcome] = {}
        told: dict[int, Outcome] = {}
        for start in range(0, len(groups), WAVE):
            told = await self._wave(groups[start : start + WAVE], batch, begin, told)
            outcomes |= told
        self._learn(outcomes.values())
        return [outcomes[mail.id] for mail in mails]

    def _grouped(self, mails: Sequence[Mail]) -> list[MailGroup]:
        """As they were put together when it was asked what of them goes at once."""
        found = [groups for planned, groups in self._planned if planned is mails]
        self._planned = [each for each in self._planned if each[0] is not mails]
        return found[0] if found else grouped(mails, self._most)

    async def _wave(
        self, groups: Sequence[MailGroup], batch: _Batch, begin: Begin, before: Mapping[int, Outcome]
    ) -> dict[int, Outcome]:
        going = [mail for group in groups for mail in group]
        if (outcome := self._not_now(batch)) is not None:
            return {mail.id: outcome for mail in going}
        mine = await begin(going, before)
        ours = [left for group in groups if (left := [mail for mail in group if mail.id in mine])]
        if self._closed:
            return {mail.id: STOPPED for mail in going}
        told = await asyncio.gather(*[self._send(group, batch) for group in ours])
        known = dict(zip([mail.id for mail in chain(*ours)], chain(*told), strict=True))
        return {mail.id: known.get(mail.id, TAKEN) for mail in going}

    def _not_now(self, batch: _Batch) -> Outcome | None:
        if self._closed:
            return STOPPED
        if batch.refusal is not None:  # the others would be told the same, and the provider ban us for asking
            return replace(batch.refusal, untried=True)
        return _NEXT_TIME if monotonic() > batch.ends else None

    async def close(self) -> None:
        self._closed = True
        self._let_go()

    def _let_go(self) -> None:
        """Close the connections, once nobody waits for an answer on one any more."""
        if self._closed and not self._under_way:
            self._wire.close()

    def _learn(self, outcomes: Iterable[Outcome]) -> None:
        """Hand over more at once while all goes well."""
        if any(outcome.status == "unknown" or outcome.pauses_channel for outcome in outcomes):
            self.portion = FIRST_PORTION
        else:
            self.portion = min(self.portion * GROWTH, max(self._most, MOST_SINGLE))

    async def _send(self, group: MailGroup, batch: _Batch) -> list[Outcome]:
        """An outcome for each mail of one request. A refused one sent nothing: each half is asked about anew, until
        those to blame are alone."""
        async with self._turns:
            outcome = await self._ask(group, batch)
        if outcome.status == "failed" and len(group) > 1:
            half = len(group) // 2
            return await self._send(group[:half], batch) + await self._send(group[half:], batch)
        return [outcome] * len(group)

    async def _ask(self, group: MailGroup, batch: _Batch) -> Outcome:
        if (outcome := self._not_now(batch)) is not None:
            return outcome
        try:
            await _post(self._wire, _json(group, self._requests))
        except SendFailed as error:
            return batch.note(outcome_of(error))
        except Exception as error:
            log.exception("message %d: a failure that nobody foresaw", group[0].id)
            return batch.note(Outcome("unknown", f"{type(error).__name__}; the mail may have gone"))
        return batch.note(SENT)


class _Batch:
    """Mails sent together, none begun after `ends`. `refusal`: what one was told that holds for all; `in_doubt`: how
    many requests in a row were left without a clear answer."""

    def __init__(self, ends: float) -> None:
        self.ends = ends
        self.refusal: Outcome | None = None
        self.in_doubt = 0

    def note(self, outcome: Outcome) -> Outcome:
        """Learn from an outcome. After a run of doubtful answers, no more messages are put in doubt."""
        self.in_doubt = self.in_doubt + 1 if outcome.status == "unknown" else 0
        if outcome.pauses_channel:
            self.refusal = outcome
        elif self.in_doubt >= MOST_IN_DOUBT:
            self.refusal = Outcome("requested", f"not tried, after: {outcome.reason}", pauses_channel=True)
        return outcome


def _json(group: MailGroup, requests: Requests) -> list[bytes]:
    """The request in pieces. Raises SendRefused for what the package would never send: a text that begins like an API
    key."""
    try:
        return requests.write(group)
    except ApiKeyIncludedException:
        raise SendRefused("a mail that begins like an API key is not sent") from None


async def _post(wire: Wire, request: Sequence[bytes]) -> None:
    """Post it. Raises a SendFailed that says what may be done next."""
    try:
        answer = await wire.post(request)
    except NeverConnected as error:
        raise SendRetryable(f"SendGrid can't be reached: {error}") from None
    except NoAnswer as error:
        raise SendUnknown(f"no answer came, the mail may have gone: {error}") from None
    if answer.status != 202:
        raise _meaning(answer)


def _meaning(answer: Answer) -> SendFailed:
    status, text = answer.status, shown(answer.body.decode("utf-8", "replace"))
    said = f"SendGrid answered {status}" + (f": {text}" if text else "")
    if status == 429:
        return SendRetryable(said, _reset(answer.headers))
    if status in (401, 403):
        return ChannelRefused(f"{said}; check YINFENG_SENDGRID_API_KEY and the sender YINFENG_MAIL_FROM")
    if 400 <= status < 500:
        return SendRefused(said)
    return SendUnknown(f"{said}; the mail may have gone")


def _reset(headers: Mapping[str, str]) -> datetime | None:
    value = headers.get("x-ratelimit-reset", "")
    return datetime.fromtimestamp(int(value), UTC) if value.isdigit() and len(value) < 12 else None
