"""A wall on a screen for days: 50,000 fragments put in place in Chromium, and what its memory does meanwhile."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final

from playwright.sync_api import sync_playwright

from benchmarks.running import database, home
from storage.access import walls
from storage.database import connect
from streams.apply import apply_batch
from streams.intake import Incoming
from tests.browser import chromium
from tests.browser.screens import COUNT_PUTS, memory, update
from tests.facts import event, opened, target
from tests.web import served

PUTS: Final = 50_000
FIRST: Final = 5_000
OTHER: Final = "other-2026"


def measure() -> Iterator[tuple[str, str, str]]:
    browser = chromium.found()
    if browser is None:
        return
    with home() as at, database(at) as url:
        path = asyncio.run(_prepare(url))
        with served(url) as address:
            yield from _measure(browser, f"{address}{path}", url)


def _measure(path: str, address: str, url: str) -> Iterator[tuple[str, str, str]]:
    with sync_playwright() as playwright:
        browser = chromium.launch(playwright, path)
        context = browser.new_context(viewport={"width": 1920, "height": 1080})
        context.add_init_script(COUNT_PUTS)
        page = context.new_page()
        page.goto(address)
        page.wait_for_selector("#live.on")
        session = context.new_cdp_session(page)
        session.send("Performance.enable")
        update(page, url, FIRST, within=600)
        before = memory(session)
        update(page, url, PUTS - FIRST, within=3600)
        after = memory(session)
        browser.close()
    heap = f"{before.heap / 2**20:.2f} MB after {FIRST:,}, {after.heap / 2**20:.2f} MB after {PUTS:,}"
    yield f"a wall's heap under {PUTS:,} fragments", heap, "as much"
    yield "  its nodes", f"{before.nodes:,}, {after.nodes:,}", "as many"
    yield "  its listeners", f"{before.listeners}, {after.listeners}", "as many"


async def _prepare(url: str) -> str:
    about = {"title": "Professionals", "organizer": "P", "starts_on": "2026-01-01", "ends_on": "2026-12-31"}
    theirs: dict[str, Any] = {"title": "t", "measure": "hired", "goal": 1_000_000, "due_on": "2026-12-31"}
    events: list[dict[str, Any]] = [
        opened(),
        *[target(f"t{n}", goal=1_000_000) for n in range(6)],
        event("campaign.opened", campaign=OTHER, **about),
        *[event("target.set", campaign=OTHER, target=f"t{n}", **theirs) for n in range(6)],
    ]
    batch = [Incoming("t", 0, n, None, json.dumps(each).encode(), ()) for n, each in enumerate(events)]
    async with await connect(url, name="bench") as conn:
        await apply_batch(conn, batch, now=datetime.now(UTC))
        return f"/wall/{await walls.create(conn, name='Hall', campaigns=None, made_by='bench')}?lang=en"
