"""Connections that say nothing, or say it slowly, take nobody's place; one caller has so many streams and no more."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import httpx
import pytest

from storage.access import keys
from storage.database import connect
from tests.platform import until
from tests.web import served
from yinfeng.web import app, connections, limits

HALF = b"GET /healthz HTTP/1.1\r\nHost: test\r\nX-Slow: "
FORM = b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 9\r\n\r\n"
HALF_A_BODY = b"POST /login HTTP/1.1\r\nHost: test\r\n" + FORM + b"key"


def connected(address: str) -> socket.socket:
    return socket.create_connection(("127.0.0.1", int(address.rsplit(":", 1)[1])))


def ended(connection: socket.socket) -> bool:
    """Whether the server has closed it."""
    connection.setblocking(False)
    try:
        return not connection.recv(65536) or ended(connection)
    except BlockingIOError:
        return False
    except ConnectionError:
        return True


@pytest.mark.parametrize("said", [b"", HALF, HALF_A_BODY])
def test_four_hundred_that_say_no_more_are_gone_and_others_are_served(
    database_url: str, monkeypatch: pytest.MonkeyPatch, said: bytes
):
    monkeypatch.setattr(connections, "SPEAKS_WITHIN", 1.0)
    monkeypatch.setattr(limits, "PAUSE", 1.0)
    with served(database_url) as address:
        opened = [connected(address) for _ in range(400)]
        for each in opened:
            each.sendall(said)
        assert httpx.get(f"{address}/healthz").status_code == 200
        until(lambda: all(ended(each) for each in opened))
        for each in opened:
            each.close()


def test_what_is_sent_slowly_but_steadily_is_taken(database_url: str):
    with served(database_url) as address, connected(address) as one:
        for part in (b"GET /heal", b"thz HTTP/1.1\r\nHo", b"st: test\r\nConnection: close\r\n\r\n"):
            one.sendall(part)
        assert b"200 OK" in one.makefile("rb").readline()


def test_what_the_server_waits_for_ends_within_fifteen_seconds():
    assert connections.SPEAKS_WITHIN + 5 <= 15
    assert limits.PAUSE <= 15


def headers_of(database_url: str, name: str) -> dict[str, str]:
    """What a new key of a viewer's is shown by."""

    async def make() -> str:
        async with await connect(database_url, name="test") as conn:
            return await keys.create(conn, name=name, role="viewer")

    return {"authorization": f"Bearer {asyncio.run(make())}"}


def test_one_caller_has_so_many_streams_and_has_them_again(database_url: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(app, "MOST_STREAMS", 2)

    one, other = (headers_of(database_url, name) for name in ("one", "other"))
    with served(database_url) as address, httpx.Client(base_url=address) as http:

        def status(headers: dict[str, Any]) -> int:
            with http.stream("GET", "/v1/targets/stream", headers=headers) as answer:
                return answer.status_code

        with (
            http.stream("GET", "/v1/targets/stream", headers=one),
            http.stream("GET", "/v1/targets/stream", headers=one),
        ):
            assert status(one) == 429
            assert status(other) == 200
        until(lambda: status(one) == 200)


def test_a_stream_whose_client_owes_a_body_ends_with_it(database_url: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(app, "MOST_STREAMS", 1)
    monkeypatch.setattr(limits, "PAUSE", 0.2)
    headers = headers_of(database_url, "one")
    said = f"GET /v1/targets/stream HTTP/1.1\r\nHost: test\r\nAuthorization: {headers['authorization']}\r\n"
    with served(database_url) as address, httpx.Client(base_url=address) as http:
        with connected(address) as one:
            one.sendall(said.encode() + FORM)
            until(lambda: ended(one))

        def is_free() -> bool:
            with http.stream("GET", "/v1/targets/stream", headers=headers) as answer:
                return answer.status_code == 200

        until(is_free)
