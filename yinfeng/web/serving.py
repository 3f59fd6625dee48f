"""Serves the web app until it is told to stop."""

from __future__ import annotations

import gc
import socket
from collections.abc import Callable

import uvicorn

from dashboard.stream import SEND_TIMEOUT
from schemas.settings import Settings
from storage.vault.persons import file_vault
from storage.vault.process import open_vault
from yinfeng.masking import mask_logs
from yinfeng.readiness import at_once
from yinfeng.web.app import create_app
from yinfeng.web.connections import ImpatientProtocol


class Server(uvicorn.Server):
    """uvicorn's, which ends open streams when it is told to stop, instead of waiting for them; and a line whose other
    end takes nothing, with what waits for it."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Called in its loop."""
        await super().startup(sockets)
        for line in [each for server in self.servers for each in server.sockets]:  # what is accepted inherits it
            line.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(SEND_TIMEOUT * 1000))

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Called in its loop, once it takes no more requests."""
        dismiss: Callable[[], None] = self.config.app.state.dismiss  # type: ignore[union-attr]
        dismiss()
        await super().shutdown(sockets)


def run_web(settings: Settings, begin: Callable[[], None] = at_once) -> int:
    """Serve until SIGINT or SIGTERM. Returns the exit code. `begin` waits until the servers may be asked."""
    mask_logs()
    app = create_app(settings)
    gc.freeze()  # what is here stays: to look through it again and again would hold up everybody
    begin()
    open_vault(file_vault(settings.master_key))
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        log_level=settings.log_level.lower(),
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=2,
        http=ImpatientProtocol,
        ws="none",
    )
    Server(config).run()
    return 0
