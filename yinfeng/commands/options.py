"""Options that several commands share, and how a command reaches the database."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated, TypeVar

import typer

from schemas.settings import Settings, load_settings
from storage.database import Conn, connect, translated
from storage.vault.persons import file_vault
from storage.vault.process import open_vault
from yinfeng.surroundings import servers

T = TypeVar("T")

Port = Annotated[int | None, typer.Option(help="Port of the web app (YINFENG_PORT, else 8000; 0: any free one).")]
Host = Annotated[str | None, typer.Option(help="Address to listen on (YINFENG_HOST, else 127.0.0.1).")]
UrlOption = Annotated[str | None, typer.Option(help="Address of the web app (YINFENG_URL, else the one running here).")]
KeyOption = Annotated[
    str | None, typer.Option(help="Access key (YINFENG_KEY, else the file organizer.key in the home).")
]
ByWhom = Annotated[str, typer.Option(help="Who does it; it is kept.")]
BY_DEFAULT = "the command line"


def load_for(port: int | None, host: str | None) -> Settings:
    """The settings, with what the command line says over them."""
    given = {"port": port, "host": host}
    return load_settings(**{name: value for name, value in given.items() if value is not None})


def on_database(work: Callable[[Conn], Awaitable[T]]) -> T:
    """Do work on a connection to the database that the settings name, or to the one running here."""
    url = servers(load_settings()).database_url or ""

    async def run() -> T:
        async with await connect(url, name="cli") as conn:
            with translated():
                return await work(conn)

    return asyncio.run(run())


def on_vault(work: Callable[[Conn], Awaitable[T]]) -> T:
    """The same for what is sealed: the master key is read first."""
    open_vault(file_vault(load_settings().master_key))
    return on_database(work)
