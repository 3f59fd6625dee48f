"""A wall under many updates: what Chromium's memory does meanwhile."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Final

import psycopg
from playwright.sync_api import CDPSession, Page

COUNT_PUTS: Final = """
  window.puts = 0;
  const listen = EventSource.prototype.addEventListener;
  EventSource.prototype.addEventListener = function (name, act) {
    return listen.call(this, name, name === "put" ? (event) => { window.puts += 1; act(event); } : act);
  };
"""
_CHANGE: Final = "UPDATE targets SET progress = progress + 1, revision = nextval('revisions')"
_GAP: Final = 0.022  # seconds: the hub looks every 20 ms at most


@dataclass(frozen=True, slots=True)
class Memory:
    """Of a page after a collection: bytes of its heap, its nodes and its listeners."""

    heap: int
    nodes: int
    listeners: int


def memory(session: CDPSession) -> Memory:
    """What is left when all that nobody holds is collected."""
    for _ in range(3):
        session.send("HeapProfiler.collectGarbage")
    found = {each["name"]: int(each["value"]) for each in session.send("Performance.getMetrics")["metrics"]}
    return Memory(found["JSHeapUsedSize"], found["Nodes"], found["JSEventListeners"])


def update(page: Page, database_url: str, puts: int, *, within: float) -> None:
    """Change all targets, over and over, until the page has put so many fragments more in place."""
    upto, ends = page.evaluate("window.puts") + puts, time.monotonic() + within
    with psycopg.connect(database_url, autocommit=True) as conn:
        while page.evaluate("window.puts") < upto:
            assert time.monotonic() < ends, f"{page.evaluate('window.puts')} of {upto} came in time"
            for _ in range(25):
                conn.execute(_CHANGE)
                conn.execute("NOTIFY yinfeng_progress")
                time.sleep(_GAP)
