"""One HTTP address that is posted to, over connections that stay open: what can't have left us is told apart, and no
redirect is followed."""

from __future__ import annotations

import asyncio
import ssl
from base64 import b64encode
from collections.abc import Mapping, Sequence
from time import monotonic
from typing import Final
from urllib.parse import SplitResult, unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

from notifications.channels.connection import Answer, Connection, NoAnswer
from schemas.errors import ConfigurationError

PORTS: Final = {"http": 80, "https": 443}
RESTED: Final = 4.0  # seconds without work, after which a connection is not used any more: sooner than servers end it


class NeverConnected(Exception):
    """No connection came about, so nothing was sent: no such host, refused, no answer, no trust."""


class Wire:
    """Posts JSON to one address, several at once. A connection for each that is posted at the same moment stays open;
    each wait for the other side lasts `timeout` seconds."""

    def __init__(self, url: str, headers: Mapping[str, str], *, timeout: float) -> None:
        """Raises ConfigurationError for a proxy that can't be, and for headers that can't be written."""
        self._url = urlsplit(url)
        self._timeout = timeout
        self._proxy = _proxy(self._url)
        self._context = _context(self._url)
        self._first = _context(self._proxy) if self._proxy else self._context  # for what is connected to
        asked = self._proxy is not None and self._context is None
        known = _credentials(self._proxy) if self._proxy and asked else {}
        target = url if asked else self._url.path
        self._head = _head(f"POST {target}", _host(self._url), {**headers, **known, "Content-Type": "application/json"})
        self._idle, self._closed = list[Connection](), False

    async def post(self, body: Sequence[bytes]) -> Answer:
        """A body in pieces. Raises NeverConnected or NoAnswer."""
        connection = self._rested() or await self._connected()
        head = b"%bContent-Length: %d\r\n\r\n" % (self._head, sum(map(len, body)))
        answer = await connection.ask([head, *body], timeout=self._timeout)
        if connection.usable and not self._closed:
            self._idle.append(connection)
        else:
            connection.close()
        return answer

    def close(self) -> None:
        """Let the connections go."""
        idle, self._idle, self._closed = self._idle, [], True
        for connection in idle:
            connection.close()

    def _rested(self) -> Connection | None:
        """The one that was used last, if that was a moment ago."""
        since = monotonic() - RESTED
        while self._idle and self._idle[0].rested_at < since:
            self._idle.pop(0).close()
        while self._idle:
            latest = self._idle.pop()
            if not latest.is_ended():
                return latest
            latest.close()
        return None

    async def _connected(self) -> Connection:
        try:
            async with asyncio.timeout(self._timeout):
                made = await self._connect()
        except TimeoutError:
            raise NeverConnected("timed out") from None
        except (OSError, NoAnswer, ValueError) as error:
            raise NeverConnected(str(error) or type(error).__name__) from error
        if not made.is_open:
            raise NeverConnected("the connection was closed at once")
        return made

    async def _connect(self) -> Connection:
        at, loop = self._proxy or self._url, asyncio.get_running_loop()
        context = self._first
        named = at.hostname if context else None
        port = at.port or PORTS[at.scheme]
        _, made = await loop.create_connection(Connection, at.hostname or "", port, ssl=context, server_hostname=named)
        if self._proxy is None or self._context is None:
            return made
        try:
            return await self._through(made, self._proxy)
        except BaseException:
            made.close()
            raise

    async def _through(self, tunnel: Connection, proxy: SplitResult) -> Connection:
        """A connection to the address in a tunnel that the proxy opens. Raises OSError where it opens none."""
        host = f"{_bracketed(self._url.hostname or '')}:{self._url.port or PORTS['https']}"
        request = _head(f"CONNECT {host}", host, _credentials(proxy)) + b"\r\n"
        answer = await tunnel.ask([request], timeout=self._timeout, without_body=True)
        if not 200 <= answer.status < 300:
            raise OSError(f"the proxy answered {answer.status}")
        loop, made = asyncio.get_running_loop(), Connection()
        assert self._context is not None
        transport = await loop.start_tls(tunnel.transport, made, self._context, server_hostname=self._url.hostname)
        assert transport is not None
        made.connection_made(transport)
        return made


def _head(asks: str, host: str, headers: Mapping[str, str]) -> bytes:
    """A request's beginning. Raises ConfigurationError where a header would be more than one."""
    lines = [f"{asks} HTTP/1.1", f"Host: {host}", *(f"{name}: {value}" for name, value in headers.items())]
    if not all(line.isprintable() and line.isascii() for line in lines):
        raise ConfigurationError("a header of requests to the provider can't be written: is the key whole?")
    return "".join(f"{line}\r\n" for line in lines).encode()


def _host(url: SplitResult) -> str:
    host = _bracketed(url.hostname or "")
    return host if url.port in (None, PORTS[url.scheme]) else f"{host}:{url.port}"


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _proxy(url: SplitResult) -> SplitResult | None:
    """The proxy that the environment names for this address (HTTPS_PROXY, NO_PROXY), with its port. Raises
    ConfigurationError."""
    named = None if proxy_bypass(url.hostname or "") else getproxies().get(url.scheme)
    if not named:
        return None
    try:
        found = urlsplit(named if "://" in named else f"http://{named}")
        if not found.hostname or found.scheme not in PORTS:
            raise ValueError("no host, or not spoken to by HTTP")
        return found if found.port else found._replace(netloc=f"{found.netloc.rstrip(':')}:{PORTS[found.scheme]}")
    except ValueError:  # it may have a password in it
        raise ConfigurationError(f"{url.scheme.upper()}_PROXY must be a proxy such as http://proxy:3128") from None


def _context(at: SplitResult) -> ssl.SSLContext | None:
    return ssl.create_default_context() if at.scheme == "https" else None


def _credentials(proxy: SplitResult) -> dict[str, str]:
    if proxy.username is None:
        return {}
    said = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}".encode()
    return {"Proxy-Authorization": f"Basic {b64encode(said).decode()}"}
