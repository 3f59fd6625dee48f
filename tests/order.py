"""In which order files of tests run, and how many with a browser at a time."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import pytest
from xdist.scheduler.loadfile import LoadFileScheduling
from xdist.workermanage import WorkerController

BROWSERS: Final = 3  # at a time: each fills more than half a core
APART: Final = 6  # files from one that mostly waits to the next
LONG_BROWSING: Final = ("test_year.py", "test_accessible.py", "test_pages.py", "test_doors.py")  # the longest first


def ordered(items: Iterable[pytest.Item]) -> list[pytest.Item]:
    """The browser last: while Playwright is there, its event loop runs, and no other may. Of the others, those that
    mostly wait among those that compute, so that neither the processors stand idle nor many platforms start at once;
    and the long ones early, so that none is alone at the end."""
    items = list(items)
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    files = dict.fromkeys(item.path for item in items if not _browses(item.nodeid))
    places = {path: nth for nth, path in enumerate(path for path in files if path not in slow)}
    places |= {path: nth * APART for nth, path in enumerate(path for path in files if path in slow)}
    return sorted(items, key=lambda item: (places.get(item.path, len(items)), _turn(item), item.path not in slow))


class BrowsersLast(LoadFileScheduling):
    """A file at a time to whichever process is free. When those with a browser are all that is left, some go home."""

    def _reschedule(self, node: WorkerController) -> None:
        left = next(iter(self.workqueue), None)
        browsing = {other for other, work in self.assigned_work.items() if any(map(_browses, work))}
        if left is None or not _browses(left) or node in browsing or len(browsing) < BROWSERS:
            super()._reschedule(node)
        elif not node.shutting_down:
            node.shutdown()


def _turn(item: pytest.Item) -> int:
    """Of a file with a browser among the others: one that is long and begun late runs on alone."""
    name = item.path.name
    return LONG_BROWSING.index(name) if name in LONG_BROWSING else len(LONG_BROWSING)


def _browses(test: str) -> bool:
    return "tests/browser/" in test
