"""One HTTP address that is posted to, over connections that stay open: what can't have left us is told apart, no
redirect is followed, and of an answer no more is read than is shown.

The transport of `httpx`, beneath its client: what that adds (cookies, redirects, authentication) is not wanted here,
and half of the time (docs/decisions/0030-wire.md).
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from time import monotonic
from typing import Final, cast
from urllib.request import getproxies, proxy_bypass

import httpx

MOST_READ: Final = 16 * 1024  # bytes of an answer


class NeverConnected(Exception):
    """No connection came about, so nothing was sent: no such host, refused, no answer, no trust."""


class NoAnswer(Exception):
    """It may have arrived, but no whole answer came."""


@dataclass(frozen=True, slots=True)
class Answer:
    """`headers` in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Wire:
    """Posts JSON to one address, from several threads at once. `connections` stay open at most, for a few seconds;
    each wait for the other side lasts `timeout` seconds."""

    def __init__(self, url: str, headers: Mapping[str, str], *, timeout: float, connections: int) -> None:
        self._url = httpx.URL(url)
        self._headers = httpx.Headers(
            {**headers, "Host": self._url.netloc.decode(), "Content-Type": "application/json"}
        )
        self._timeout = timeout
        limits = httpx.Limits(max_connections=connections, max_keepalive_connections=connections, keepalive_expiry=4)
        proxy = _proxy(self._url)
        self._transport = httpx.HTTPTransport(verify=ssl.create_default_context(), limits=limits, proxy=proxy)

    def post(self, body: bytes) -> Answer:
        """Raises NeverConnected or NoAnswer."""
        deadline = monotonic() + self._timeout
        asked = httpx.Request(
            "POST", self._url, headers=self._headers, content=body, extensions={"timeout": _each(self._timeout)}
        )
        try:
            answer = self._transport.handle_request(asked)
            try:
                read = _beginning(answer, deadline)
            finally:
                answer.close()
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError) as error:
            raise NeverConnected(str(error)) from error
        except (httpx.HTTPError, httpx.StreamError, ValueError) as error:
            raise NoAnswer(f"{type(error).__name__} {error}".strip()) from error
        return Answer(answer.status_code, {name.lower(): value for name, value in answer.headers.items()}, read)

    def close(self) -> None:
        """Let the connections go."""
        self._transport.close()


def _beginning(answer: httpx.Response, deadline: float) -> bytes:
    """What is read of a body: all of it, so that the connection can be used again, unless it is long or slow."""
    read = b""
    for chunk in cast("httpx.SyncByteStream", answer.stream):
        read += chunk
        if len(read) > MOST_READ or monotonic() > deadline:
            break
    return read[:MOST_READ]


def _each(seconds: float) -> dict[str, float | None]:
    return httpx.Timeout(seconds).as_dict()


def _proxy(url: httpx.URL) -> str | None:
    """The proxy that the environment names for this address (HTTPS_PROXY, NO_PROXY)."""
    return None if proxy_bypass(url.host) else getproxies().get(url.scheme)
