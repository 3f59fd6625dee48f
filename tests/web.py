"""The real web app, served by uvicorn on a free port, for what must go over a socket: streams and browsers."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn

from schemas.settings import Settings
from tests.platform import until
from yinfeng.web.app import create_app
from yinfeng.web.connections import ImpatientProtocol
from yinfeng.web.serving import Server


@contextmanager
def served(database_url: str, kafka: str = "127.0.0.1:1", *, port: int = 0) -> Iterator[str]:
    """The address of a web app on these servers, until the block ends. Unless given, there is no broker."""
    app = create_app(Settings(database_url=database_url, kafka=kafka))
    config = uvicorn.Config(
        app, port=port, log_level="warning", timeout_graceful_shutdown=1, http=ImpatientProtocol, ws="none"
    )
    server = Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        until(lambda: server.started or not thread.is_alive())
        host, port = server.servers[0].sockets[0].getsockname()[:2]
        yield f"http://{host}:{port}"
    finally:
        server.should_exit = True
        thread.join()
