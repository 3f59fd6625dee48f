"""Fixtures that several of these files use."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
from argon2 import PasswordHasher
from fastapi import FastAPI

from dashboard.access import passwords
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

CHEAP = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
NOBODYS = CHEAP.hash("nobody's")


@pytest.fixture(autouse=True)
def _guessing_is_cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    """A tenth of a second of a processor for each password keeps guessers away; hundreds are compared here."""
    monkeypatch.setattr(passwords, "_HASHER", CHEAP)
    monkeypatch.setattr(passwords, "_NOBODYS", NOBODYS)


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
