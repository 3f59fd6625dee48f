"""Fixtures that several of these files use."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
from fastapi import FastAPI

from notifications.links.own import saying
from producers.forms import posting
from schemas.settings import Settings
from storage.database import make_pool
from tests.integration.office import Office
from tests.integration.reading import conn, readers
from tests.integration.world import world
from tests.web import served
from yinfeng.web.app import create_app

__all__ = ["conn", "readers", "world"]


@pytest.fixture
async def office(database_url: str) -> AsyncIterator[Office]:
    """A sender at work."""
    async with make_pool(database_url, name="test", size=6) as pool:
        yield Office(pool)


@pytest.fixture
async def app(database_url: str) -> AsyncIterator[FastAPI]:
    """The web app, in this process."""
    made = create_app(Settings(database_url=database_url, kafka="127.0.0.1:1"))
    async with made.router.lifespan_context(made):
        yield made


@pytest.fixture
def nobody_applies(monkeypatch: pytest.MonkeyPatch) -> None:
    """No worker runs, and no form waits for one."""
    monkeypatch.setattr(posting, "WAIT", 0)


@pytest.fixture
def address(database_url: str) -> Iterator[str]:
    """Where the web app answers, over a socket."""
    with served(database_url) as at:
        yield at


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nobody applies, nobody is waited for."""
    monkeypatch.setattr(saying, "WAIT", 0.1)
