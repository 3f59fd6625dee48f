"""Posting a file of events over HTTP: NDJSON, plain or gzip, in portions, each repeated until it is answered.

Posting the same file again is harmless: what is known is counted as a duplicate.
"""

from __future__ import annotations

import gzip
import io
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import IO, Any, Final

import httpx

from schemas.cloudevents import NDJSON
from schemas.errors import Refused, Unavailable

PORTION_EVENTS: Final = 2000
PORTION_BYTES: Final = 4 * 1024 * 1024
RETRIES: Final = 8
FIRST_PAUSE: Final = 0.5  # seconds, doubled each time
MAX_NAMED: Final = 20


@dataclass(slots=True)
class PostAnswer:
    """What became of the events so far. `rejected` counts; `rejections` names the first of them with their lines."""

    accepted: int = 0
    duplicates: int = 0
    rejected: int = 0
    rejections: list[dict[str, Any]] = field(default_factory=list)


class HttpPoster:
    """Posts portions of NDJSON lines with one key. Raises Refused (a wrong key …) or Unavailable (after retries)."""

    def __init__(self, url: str, key: str, *, sleep: Callable[[float], None] = time.sleep) -> None:
        self._client = httpx.Client(
            base_url=url, headers={"Authorization": f"Bearer {key}"}, timeout=60, trust_env=False
        )
        self._sleep = sleep

    def post(self, lines: list[bytes], total: PostAnswer, *, first_line: int = 1) -> None:
        """Post one portion and add to `total`; `first_line` is its first line's number in the file."""
        answer = self._answered(b"\n".join(lines))
        body = answer.json()
        total.accepted += body["accepted"]
        total.duplicates += body["duplicates"]
        total.rejected += len(body["rejected"])
        room = MAX_NAMED - len(total.rejections)
        numbers = [number for number, line in enumerate(lines, start=first_line) if line]  # blank ones are no events
        total.rejections += [{**each, "line": numbers[each["index"]]} for each in body["rejected"][:room]]

    def close(self) -> None:
        self._client.close()

    def _answered(self, body: bytes) -> httpx.Response:
        pause = FIRST_PAUSE
        for attempt in range(RETRIES):
            try:
                answer = self._client.post("/v1/events", content=body, headers={"Content-Type": NDJSON})
            except httpx.TransportError as error:
                reason = str(error) or type(error).__name__
            else:
                if answer.status_code < 500:
                    return _accepted(answer)
                reason = f"{answer.status_code} {answer.reason_phrase}"
            if attempt < RETRIES - 1:
                self._sleep(pause)
                pause = min(pause * 2, 15)
        raise Unavailable(f"{self._client.base_url} does not answer ({reason}); post the same file again later")


def portions(stream: IO[bytes]) -> Iterator[tuple[int, list[bytes]]]:
    """The lines of an NDJSON stream in portions: (number of the first line, lines). Blank lines stay, empty."""
    lines: list[bytes] = []
    size, first = 0, 1
    for number, raw in enumerate(unzipped(stream), start=1):
        line = raw.strip() or b""
        if lines and (len(lines) >= PORTION_EVENTS or size + len(line) > PORTION_BYTES):
            yield first, lines
            lines, size, first = [], 0, number
        lines.append(line)
        size += len(line) + 1
    if lines:
        yield first, lines


def unzipped(stream: IO[bytes]) -> Iterable[bytes]:
    """The lines of a stream, which may be gzip (told by its first bytes)."""
    buffered = stream if isinstance(stream, io.BufferedReader) else io.BufferedReader(stream)  # type: ignore[type-var]
    if buffered.peek(2)[:2] == b"\x1f\x8b":
        return gzip.GzipFile(fileobj=buffered)
    return buffered


def _accepted(answer: httpx.Response) -> httpx.Response:
    if answer.status_code in (202, 207) or (answer.status_code in (403, 422) and "accepted" in answer.json()):
        return answer
    try:
        detail = answer.json()["detail"]
    except (ValueError, KeyError, TypeError):
        detail = answer.text[:200]
    raise Refused(f"{answer.status_code}: {detail}")
