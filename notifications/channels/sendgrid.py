"""SendGrid's v3 Mail Send: the only file that knows its client, its payload and its errors.

202 alone means that a mail was taken. What can't be known is said to be unknown (`SendUnknown`), never guessed.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from http.client import HTTPException
from typing import Any, Final
from urllib.error import HTTPError as UrllibHTTPError
from urllib.error import URLError

from python_http_client.exceptions import HTTPError
from sendgrid import SendGridAPIClient

from notifications.channels.port import SENT, STOPPED, Mail, Outcome, outcome_of, shown
from notifications.channels.transport import NeverConnected, Transport
from schemas.errors import ChannelRefused, SendFailed, SendRefused, SendRetryable, SendUnknown

log = logging.getLogger(__name__)

AT_ONCE: Final = 8  # requests under way at the same time
MOST_IN_DOUBT: Final = AT_ONCE  # unknown outcomes in a row, before a batch is broken off
ID_ARGUMENT: Final = "yinfeng_message"  # comes back at the top level of the provider's events
MAX_SUBJECT: Final = 900


class SendGrid:
    """Sends each mail in a request of its own, a few at a time, on threads (the client blocks)."""

    name = "sendgrid"
    keeps = False
    portion = 2 * AT_ONCE

    def __init__(self, api_key: str, *, host: str, timeout: float, sender: str, sender_name: str) -> None:
        # At DEBUG it logs the API key and whole payloads.
        logging.getLogger("python_http_client").setLevel(logging.WARNING)
        self._client = Transport(SendGridAPIClient(api_key, host=host).client, "mail", "send", timeout=timeout)
        self.lease = 3 * timeout + 30  # a portion takes two rounds at most
        self._sender = {"email": sender, "name": sender_name}
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="sendgrid")
        self._closed = threading.Event()

    async def send(self, mails: Sequence[Mail]) -> list[Outcome]:
        if self._closed.is_set():
            return [STOPPED for _ in mails]
        loop, batch = asyncio.get_running_loop(), _Batch()
        sending = [loop.run_in_executor(self._threads, self._send, mail, batch) for mail in mails]
        return list(await asyncio.gather(*sending))

    async def close(self) -> None:
        self._closed.set()
        self._threads.shutdown(wait=False)

    def _send(self, mail: Mail, batch: _Batch) -> Outcome:
        if self._closed.is_set():
            return STOPPED
        if batch.refusal is not None:  # the others would be told the same, and the provider ban us for asking
            return batch.refusal
        try:
            _post(self._client, payload(mail, self._sender))
        except SendFailed as error:
            return batch.note(outcome_of(error))
        except Exception as error:
            log.exception("message %d: a failure that nobody foresaw", mail.id)
            return batch.note(Outcome("unknown", f"{type(error).__name__}; the mail may have gone"))
        return batch.note(SENT)


class _Batch:
    """Mails sent together. `refusal`: what one was told that holds for all; `in_doubt`: how many `unknown` in a row."""

    refusal: Outcome | None = None
    in_doubt = 0

    def note(self, outcome: Outcome) -> Outcome:
        """Learn from an outcome. After a run of doubtful answers, no more messages are put in doubt."""
        self.in_doubt = self.in_doubt + 1 if outcome.status == "unknown" else 0
        if outcome.pauses_channel:
            self.refusal = outcome
        elif self.in_doubt >= MOST_IN_DOUBT:
            self.refusal = Outcome("requested", f"not tried, after: {outcome.reason}", pauses_channel=True)
        return outcome


def _post(client: Any, body: dict[str, Any]) -> None:
    """Post it. Raises a SendFailed that says what may be done next."""
    try:
        answer = client.post(request_body=body)
    except (HTTPError, UrllibHTTPError) as error:
        raise _meaning(_status(error), _headers(error), _text(error)) from None
    except URLError as error:
        raise _unreachable(error) from None
    except (OSError, HTTPException) as error:
        raise SendUnknown(f"no answer came, the mail may have gone: {type(error).__name__} {error}".strip()) from None
    if answer.status_code != 202:
        raise _meaning(answer.status_code, {}, "")


def _unreachable(error: URLError) -> SendFailed:
    """What never was connected carried no mail; anything else may have."""
    if isinstance(error.reason, NeverConnected):
        return SendRetryable(f"SendGrid can't be reached: {error.reason}")
    return SendUnknown(f"the connection failed, the mail may have gone: {error.reason}")


def _meaning(status: int, headers: dict[str, str], text: str) -> SendFailed:
    said = f"SendGrid answered {status}" + (f": {text}" if text else "")
    if status == 429:
        return SendRetryable(said, _reset(headers))
    if status in (401, 403):
        return ChannelRefused(f"{said}; check YINFENG_SENDGRID_API_KEY and the sender YINFENG_MAIL_FROM")
    if 400 <= status < 500:
        return SendRefused(said)
    return SendUnknown(f"{said}; the mail may have gone")


def _reset(headers: dict[str, str]) -> datetime | None:
    value = headers.get("x-ratelimit-reset", "")
    return datetime.fromtimestamp(int(value), UTC) if value.isdigit() and len(value) < 12 else None


def _status(error: Any) -> int:
    return int(getattr(error, "status_code", 0) or getattr(error, "code", 0))


def _headers(error: Any) -> dict[str, str]:
    return {name.lower(): value for name, value in dict(error.headers or {}).items()}


def _text(error: Any) -> str:
    body = getattr(error, "body", b"") or b""
    text = body.decode("utf-8", "replace") if isinstance(body, bytes) else str(body)
    return shown(text)
