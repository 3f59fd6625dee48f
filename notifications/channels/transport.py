"""One HTTP address that is posted to, over connections that stay open: what can't have left us is told apart, no
redirect is followed, and of an answer no more is read than is shown.

The standard library's client: no other was as quick, and it says apart what it does first, connecting
(docs/decisions/0030-wire.md).
"""

from __future__ import annotations

import select
import ssl
import threading
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from time import monotonic
from typing import Final
from urllib.parse import SplitResult, unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

from schemas.errors import ConfigurationError

MOST_READ: Final = 16 * 1024  # bytes of an answer
HTTP_PORT: Final = 80
RESTED: Final = 4.0  # seconds without work, after which a connection is not used any more: sooner than servers end it


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
    """Posts JSON to one address, from several threads at once. A connection for each that posts at the same moment
    stays open; each wait for the other side lasts `timeout` seconds."""

    def __init__(self, url: str, headers: Mapping[str, str], *, timeout: float) -> None:
        """Raises ConfigurationError for a proxy that can't be."""
        self._url = urlsplit(url)
        self._timeout, self._context = timeout, ssl.create_default_context()
        self._proxy = _proxy(self._url)
        known = _credentials(self._proxy) if self._proxy and self._url.scheme == "http" else {}
        self._headers = {**headers, **known, "Content-Type": "application/json"}
        self._lock, self._idle, self._closed = threading.Lock(), list[tuple[float, HTTPConnection]](), False

    def post(self, body: bytes) -> Answer:
        """Raises NeverConnected or NoAnswer."""
        connection, deadline = self._connection(), monotonic() + self._timeout
        try:
            connection.request("POST", self._target(), body, self._headers)
            answer = connection.getresponse()
            read = _beginning(answer, deadline)
            usable = not answer.will_close and (answer.isclosed() or answer.length == 0)
            answer.close()
        except (OSError, HTTPException, ValueError) as error:
            connection.close()
            raise NoAnswer(f"{type(error).__name__} {error}".strip()) from error
        self._rest(connection, usable=usable)
        return Answer(answer.status, {name.lower(): value for name, value in answer.getheaders()}, read)

    def close(self) -> None:
        """Let the connections go."""
        with self._lock:
            idle, self._idle, self._closed = self._idle, [], True
        for _, connection in idle:
            connection.close()

    def _connection(self) -> HTTPConnection:
        """One that was used a moment ago, or a new one."""
        with self._lock:
            fresh = [each for each in self._idle if each[0] > monotonic() - RESTED and not _is_ended(each[1])]
            old, self._idle = [each for each in self._idle if each not in fresh], fresh[:-1]
        for _, connection in old:
            connection.close()
        return fresh[-1][1] if fresh else self._connected()

    def _connected(self) -> HTTPConnection:
        at, through = self._proxy or self._url, self._proxy is not None and self._url.scheme == "https"
        if self._url.scheme == "https":
            made: HTTPConnection = HTTPSConnection(
                at.hostname or "", at.port, timeout=self._timeout, context=self._context
            )
        else:
            made = HTTPConnection(at.hostname or "", at.port, timeout=self._timeout)
        if through:
            made.set_tunnel(self._url.hostname or "", self._url.port, headers=_credentials(at))
        try:
            made.connect()
        except (OSError, HTTPException, ValueError) as error:
            made.close()
            raise NeverConnected(str(error) or type(error).__name__) from error
        return made

    def _target(self) -> str:
        """The path; all of the address where a proxy is asked for it."""
        return self._url.geturl() if self._proxy and self._url.scheme == "http" else self._url.path

    def _rest(self, connection: HTTPConnection, *, usable: bool) -> None:
        with self._lock:
            usable = usable and not self._closed
            if usable:
                self._idle.append((monotonic(), connection))
        if not usable:
            connection.close()


def _is_ended(connection: HTTPConnection) -> bool:
    """Whether the other side has closed it, or speaks without being asked."""
    waiting = select.poll()
    waiting.register(connection.sock, select.POLLIN)
    return bool(waiting.poll(0))


def _beginning(answer: HTTPResponse, deadline: float) -> bytes:
    """What is read of a body: all of it, so that the connection can be used again, unless it is long or slow."""
    read = b""
    while len(read) <= MOST_READ and monotonic() < deadline and (chunk := answer.read1(MOST_READ)):
        read += chunk
    return read[:MOST_READ]


def _proxy(url: SplitResult) -> SplitResult | None:
    """The proxy that the environment names for this address (HTTPS_PROXY, NO_PROXY), with its port. Raises
    ConfigurationError."""
    named = None if proxy_bypass(url.hostname or "") else getproxies().get(url.scheme)
    if not named:
        return None
    try:
        found = urlsplit(named if "://" in named else f"http://{named}")
        if not found.hostname:
            raise ValueError("no host")
        return found if found.port else found._replace(netloc=f"{found.netloc.rstrip(':')}:{HTTP_PORT}")
    except ValueError:  # it may have a password in it
        raise ConfigurationError(f"{url.scheme.upper()}_PROXY must be a proxy such as http://proxy:3128") from None


def _credentials(proxy: SplitResult) -> dict[str, str]:
    if proxy.username is None:
        return {}
    said = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}".encode()
    return {"Proxy-Authorization": f"Basic {b64encode(said).decode()}"}
