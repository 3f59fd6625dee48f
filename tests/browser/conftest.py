"""A real browser for the tests that look at pages, and a web app with something to show."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from storage.access import keys
from storage.database import Conn, connect, make_pool
from streams.apply import apply_batch
from streams.intake import Incoming
from tests.access import COOKIE, session_of
from tests.browser import chromium
from tests.browser.looking import lang, reader, shown
from tests.integration.office import Office
from tests.web import served

__all__ = ["lang", "reader", "shown"]  # fixtures that several of these files use

EXPECTED_WITHIN = 60_000  # milliseconds; CI's machine is slow, and nothing waits so long that goes well
Apply = Callable[..., None]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium. Where there is none the tests are skipped, except in CI, where they must run."""
    found = chromium.found()
    if found is None:
        reason = "the browser tests need Chromium (`make browser`)"
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)
    expect.set_options(timeout=EXPECTED_WITHIN)
    with sync_playwright() as playwright:
        launched = chromium.launch(playwright, found)
        yield launched
        launched.close()


@pytest.fixture
def address(database_url: str) -> Iterator[str]:
    """A web app on a database of its own."""
    with served(database_url) as at:
        yield at


@pytest.fixture
def on_database(database_url: str) -> Callable[[Callable[[Conn], Any]], Any]:
    """Do async work on a connection; Playwright's own loop keeps this thread, so it goes into another."""

    def do(work: Callable[[Conn], Any]) -> Any:
        async def run() -> Any:
            async with await connect(database_url, name="test") as conn:
                return await work(conn)

        with ThreadPoolExecutor(1) as pool:
            return pool.submit(asyncio.run, run()).result()

    return do


@pytest.fixture
def apply(on_database: Callable[..., Any]) -> Apply:
    """Apply events as the worker does, in the real transaction."""

    def do(*events: dict[str, Any]) -> None:
        batch = [Incoming("yinfeng.facts", 0, n, None, json.dumps(each).encode(), ()) for n, each in enumerate(events)]
        on_database(lambda conn: apply_batch(conn, batch, now=datetime(2026, 6, 1, tzinfo=UTC)))

    return do


@pytest.fixture
def apply_what_waits(database_url: str) -> Callable[[], None]:
    """Apply what the pages' forms posted, as the worker does when the relay has published it."""

    async def run() -> None:
        async with make_pool(database_url, name="test") as pool:
            await Office(pool).apply_what_waits()

    def do() -> None:
        with ThreadPoolExecutor(1) as pool:
            pool.submit(asyncio.run, run()).result()

    return do


@pytest.fixture
def make_key(on_database: Callable[..., Any]) -> Callable[..., str]:
    """Make a key of a role."""
    return lambda role, employer=None: on_database(
        lambda conn: keys.create(conn, name=role, role=role, employer=employer)
    )


@pytest.fixture
def make_session(on_database: Callable[..., Any]) -> Callable[..., str]:
    """What the cookie holds of a browser that is signed in by a key of a role."""
    return lambda role, employer=None: on_database(lambda conn: session_of(conn, role, employer))


@pytest.fixture
def context(browser: Browser, address: str) -> Iterator[BrowserContext]:
    """A browser of somebody who was never here before, reading English; closed before the web app is."""
    context = browser.new_context(locale="en")
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """A page. What it says on its console (errors, violations of the policy) fails the test."""
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield page
    assert complaints == []


@pytest.fixture
def logged_in(context: BrowserContext, page: Page, address: str, make_session: Callable[..., str]) -> Page:
    """A page of an organizer."""
    context.add_cookies([{"name": COOKIE, "value": make_session("organizer"), "url": address}])
    return page
