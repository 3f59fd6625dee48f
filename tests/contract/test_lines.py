"""The lines of the web server: uvicorn's protocol, on real sockets."""

from __future__ import annotations

import asyncio
from typing import Any

import uvicorn
from uvicorn.server import ServerState

from yinfeng.web.connections import ImpatientProtocol


async def test_a_line_whose_other_end_has_gone_is_lent_and_is_not_free():
    config = uvicorn.Config(_silent)
    config.load()
    protocol = ImpatientProtocol(config=config, server_state=ServerState(), app_state={})
    server = await asyncio.get_running_loop().create_server(lambda: protocol, "127.0.0.1", 0)
    async with server:
        host, port = server.sockets[0].getsockname()
        _, writer = await asyncio.open_connection(host, port)
        while protocol.transport is None:
            await asyncio.sleep(0)
        protocol.transport.abort()
        while protocol.transport.get_extra_info("socket").fileno() != -1:
            await asyncio.sleep(0)
        with protocol.lent():
            assert not protocol.is_free()
        writer.close()


async def _silent(scope: Any, receive: Any, send: Any) -> None:
    """An app that is not asked."""
