"""What the wire makes of a server's answers, odd ones too: of each it is known whether the request may have arrived."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

import pytest

from notifications.channels.connection import MOST_READ, Answer, NoAnswer
from notifications.channels.transport import NeverConnected, Wire
from tests.stand_ins.smtp import HOST, certificate

TIMEOUT: Final = 1.0
TAKEN: Final = b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\nX-Message-Id: a\r\n\r\n"
CLOSE: Final = b"CLOSE"
PIECES: Final = 20
WAIT: Final = b"WAIT"
Script = list[list[bytes]]


class Server:
    """Answers each request with the next pieces of its script: bytes, a pause, or the end of the connection."""

    def __init__(self) -> None:
        self.script: Script = []
        self.asked: list[bytes] = []
        self.connections = 0
        self.port = 0
        self.pace = 0.0  # seconds that it takes for a request's body

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        with suppress(asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0] or b"0")
                self.asked.append(head + await self._body(reader, length))
                for piece in self.script.pop(0) if self.script else [TAKEN]:
                    if piece == CLOSE:
                        return writer.close()
                    await (asyncio.sleep(TIMEOUT / 5) if piece == WAIT else self._say(writer, piece))
        writer.close()
        return None

    async def _body(self, reader: asyncio.StreamReader, length: int) -> bytes:
        pieces = []
        for _ in range(PIECES):
            pieces.append(await reader.readexactly(length // PIECES))
            await asyncio.sleep(self.pace / PIECES)
        return b"".join(pieces) + await reader.readexactly(length % PIECES)

    async def _say(self, writer: asyncio.StreamWriter, piece: bytes) -> None:
        writer.write(piece)
        await writer.drain()


@pytest.fixture
async def server(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Server]:
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.delenv(name, raising=False)
    it = Server()
    listening = await asyncio.start_server(it.serve, "127.0.0.1", 0)
    it.port = listening.sockets[0].getsockname()[1]
    async with listening:
        yield it


@pytest.fixture
def wire(server: Server) -> Callable[[], Wire]:
    return lambda: Wire(f"http://127.0.0.1:{server.port}/v3/send", {"Authorization": "Bearer k"}, timeout=TIMEOUT)


async def test_what_is_asked(server: Server, wire: Callable[[], Wire]):
    made = wire()
    assert await made.post([b"{}"]) == Answer(202, {"content-length": "0", "x-message-id": "a"}, b"")
    made.close()
    [asked] = server.asked
    head, _, body = asked.partition(b"\r\n\r\n")
    assert (head.splitlines()[0], body) == (b"POST /v3/send HTTP/1.1", b"{}")
    assert set(head.splitlines()[1:]) == {
        f"Host: 127.0.0.1:{server.port}".encode(),
        b"Authorization: Bearer k",
        b"Content-Type: application/json",
        b"Content-Length: 2",
    }


ANSWERED = {
    "in pieces": ([b"HTTP/1.1 2", b"02 Acc", b"epted\r\nContent-", b"Length: 2\r\n\r\no", b"k"], 202, b"ok"),
    "chunked": ([b"HTTP/1.1 400 No\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nno\r\n0\r\n\r\n"], 400, b"no"),
    "until its end": ([b"HTTP/1.1 400 No\r\n\r\nno", b"thing", CLOSE], 400, b"nothing"),
    "after word that it goes on": ([b"HTTP/1.1 100 Continue\r\nA: b\r\n\r\n", TAKEN], 202, b""),
    "broken off in its text": ([b"HTTP/1.1 400 No\r\nContent-Length: 9\r\n\r\nno", CLOSE], 400, b"no"),
    "with a text without end": ([b"HTTP/1.1 400 No\r\n\r\n", *[b"n" * 4096] * 99], 400, b"n" * MOST_READ),
}


@pytest.mark.parametrize(("pieces", "status", "body"), ANSWERED.values(), ids=ANSWERED)
async def test_an_answer_is_understood_however_it_comes(
    server: Server, wire: Callable[[], Wire], pieces: list[bytes], status: int, body: bytes
):
    made = wire()
    server.script = [pieces]
    answer = await made.post([b"{}"])
    assert (answer.status, answer.body[:MOST_READ]) == (status, body)
    assert (await made.post([b"{}"])).status == 202
    made.close()


async def test_of_a_text_that_is_slow_what_came_in_time_is_kept(server: Server, wire: Callable[[], Wire]):
    made = wire()
    server.script = [[b"HTTP/1.1 400 No\r\nContent-Length: 99\r\n\r\nn", *[b"n", WAIT] * 9]]
    answer = await made.post([b"{}"])
    assert (answer.status, set(answer.body)) == (400, set(b"n"))
    assert (await made.post([b"{}"])).status == 202
    made.close()


async def test_an_answer_has_an_end_whatever_follows_its_text(server: Server):
    made = Wire(f"http://127.0.0.1:{server.port}/v3/send", {}, timeout=3600)
    server.script = [[b"HTTP/1.1 202 Ok\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", *[b"A: bbbbbbbb\r\n" * 1000] * 99]]
    assert (await made.post([b"{}"])).status == 202
    made.close()


NOTHING = {
    "closed at once": [CLOSE],
    "closed in its headers": [b"HTTP/1.1 202 Accepted\r\nA: b", CLOSE],
    "silent": [WAIT] * 9,
    "silent after a word": [b"HTTP/1.1 ", *[WAIT] * 9],
    "slow in its headers": [b"HTTP/1.1 202 Accepted\r\n", *[b"A: b\r\n", WAIT] * 9],
    "headers without end": [b"HTTP/1.1 202 Accepted\r\n", *[b"A: bbbbbbbb\r\n" * 1000] * 20],
    "no answer of HTTP": [b"220 smtp.example ESMTP\r\n"],
    "an upgrade": [b"HTTP/1.1 101 Switching\r\nUpgrade: h2c\r\nConnection: upgrade\r\n\r\n"],
}


@pytest.mark.parametrize("pieces", NOTHING.values(), ids=NOTHING)
async def test_without_an_answer_it_may_have_arrived(server: Server, wire: Callable[[], Wire], pieces: list[bytes]):
    made = wire()
    server.script = [pieces]
    with pytest.raises(NoAnswer):
        await made.post([b"{}"])
    assert (await made.post([b"{}"])).status == 202
    made.close()


async def test_connections_are_used_again(server: Server, wire: Callable[[], Wire]):
    made = wire()
    for _ in range(5):
        await asyncio.gather(*[made.post([b"{}"]) for _ in range(3)])
    made.close()
    assert (len(server.asked), server.connections) == (15, 3)


@pytest.mark.parametrize(
    "pieces",
    [[TAKEN, CLOSE], [TAKEN, TAKEN], [TAKEN.replace(b"Content", b"Connection: close\r\nContent")], [TAKEN, WAIT, b"x"]],
    ids=["closed", "answers twice", "says so", "speaks unasked"],
)
async def test_a_connection_that_ended_is_not_used_again(server: Server, wire: Callable[[], Wire], pieces: list[bytes]):
    """What is sent on one that is just ending is in doubt."""
    made = wire()
    server.script = [pieces]
    await made.post([b"{}"])
    await asyncio.sleep(TIMEOUT / 2)
    assert await made.post([b"{}"]) == Answer(202, {"content-length": "0", "x-message-id": "a"}, b"")
    made.close()
    assert server.connections == 2


async def test_a_long_request_has_time_while_it_is_taken(server: Server, wire: Callable[[], Wire]):
    made = wire()
    long = b" " * (32 * 2**20)
    assert (await made.post([long])).status == 202
    made.close()
    assert server.asked[0].endswith(long)


async def test_through_a_proxy_the_whole_address_is_asked_for(server: Server, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("http_proxy", f"http://me:secret@127.0.0.1:{server.port}")
    monkeypatch.setenv("no_proxy", "")
    made = Wire("http://api.example/v3/send", {}, timeout=TIMEOUT)
    assert (await made.post([b"{}"])).status == 202
    made.close()
    assert server.asked[0].startswith(b"POST http://api.example/v3/send HTTP/1.1\r\nHost: api.example\r\n")
    assert b"Proxy-Authorization: Basic bWU6c2VjcmV0\r\n" in server.asked[0]


async def test_a_proxy_of_https_is_spoken_to_under_tls(server: Server, safe: int, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("http_proxy", f"https://me:secret@{HOST}:{safe}")
    monkeypatch.setenv("no_proxy", "")
    made = Wire("http://api.example/v3/send", {}, timeout=10 * TIMEOUT)
    assert (await made.post([b"{}"])).status == 202
    made.close()
    assert b"Proxy-Authorization: Basic bWU6c2VjcmV0\r\n" in server.asked[0]


@pytest.fixture
async def safe(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[int]:
    """The port at which the server speaks TLS, with a certificate that is trusted."""
    certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "server.pem"))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(tmp_path / "server.pem")
    listening = await asyncio.start_server(server.serve, HOST, 0, ssl=context)
    listening.sockets[0].setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 * 1024)  # what it holds unread is little
    async with listening:
        yield listening.sockets[0].getsockname()[1]


async def test_a_long_request_has_time_while_it_is_taken_over_tls_too(server: Server, safe: int):
    server.pace = 4 * TIMEOUT
    made = Wire(f"https://{HOST}:{safe}/v3/send", {}, timeout=TIMEOUT)
    long = b" " * (32 * 2**20)
    assert (await made.post([long])).status == 202
    made.close()
    assert server.asked[0].endswith(long)


async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """All that comes, until its end."""
    while some := await reader.read(4096):
        writer.write(some)
    writer.close()


async def tunnel(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A proxy that opens what it is asked for."""
    asked = await reader.readuntil(b"\r\n\r\n")
    host, _, port = asked.split()[1].decode().rpartition(":")
    there = await asyncio.open_connection(host, int(port))
    writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
    await asyncio.gather(carry(reader, there[1]), carry(there[0], writer))


@pytest.mark.parametrize("through", [None, "http", "https"])
async def test_over_tls(
    server: Server, safe: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, through: str | None
):
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(tmp_path / "server.pem")
    proxy = await asyncio.start_server(tunnel, HOST, 0, ssl=context if through == "https" else None)
    if through:
        monkeypatch.setenv("https_proxy", f"{through}://{HOST}:{proxy.sockets[0].getsockname()[1]}")
        monkeypatch.setenv("no_proxy", "")
    made = Wire(f"https://{HOST}:{safe}/v3/send", {}, timeout=10 * TIMEOUT)
    long = b" " * 2**22
    for body in (b"{}", long, b"{}"):
        assert (await made.post([body])).status == 202
        await asyncio.sleep(0)
    made.close()
    assert [each.partition(b"\r\n\r\n")[2] for each in server.asked] == [b"{}", long, b"{}"]
    assert server.connections == 1
    await asyncio.sleep(TIMEOUT / 5)
    proxy.close()
    await proxy.wait_closed()


@pytest.mark.parametrize(
    ("pieces", "said"),
    [
        ([b"HTTP/1.1 407 Who\r\nContent-Length: 0\r\n\r\n"], "the proxy answered 407"),
        ([b"HTTP/1.1 200 Go\r\n\r\n", b"no TLS at all, whatever is asked"], "(?i)ssl|closed|timed out"),
        ([b"HTTP/1.1 200 Go\r\n\r\n", *[WAIT] * 9], "timed out"),
        ([CLOSE], "closed"),
    ],
)
async def test_a_tunnel_that_does_not_come_about_was_sent_nothing(
    server: Server, monkeypatch: pytest.MonkeyPatch, pieces: list[bytes], said: str
):
    monkeypatch.setenv("https_proxy", f"http://me:secret@127.0.0.1:{server.port}")
    monkeypatch.setenv("no_proxy", "")
    server.script = [pieces]
    made = Wire("https://api.example/v3/send", {"Authorization": "Bearer k"}, timeout=TIMEOUT)
    with pytest.raises(NeverConnected, match=said):
        await made.post([b"{}"])
    made.close()
    [asked] = server.asked
    assert asked.startswith(b"CONNECT api.example:443 HTTP/1.1\r\nHost: api.example:443\r\nProxy-Authorization: Basic ")
    assert b"Bearer" not in asked
