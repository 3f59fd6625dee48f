"""In which order the files of tests run."""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from hypothesis import given
from hypothesis import strategies as st

from tests.order import APART, BROWSERS, LONG_BROWSING, BrowsersLast, ordered


@dataclass(frozen=True)
class Item:
    nodeid: str
    slow: bool = False

    @property
    def path(self) -> Path:
        return Path(self.nodeid.partition("::")[0])

    def get_closest_marker(self, name: str) -> object:
        return self.slow or None


def files(*items: Item) -> list[str]:
    some: Any = items
    return list(dict.fromkeys(item.path.name for item in ordered(some)))


def test_what_mostly_waits_is_early_and_spread_and_the_browser_last():
    quick = [Item(f"tests/unit/q{n:02}::t") for n in range(3 * APART)]
    slow = [Item(f"tests/e2e/s{n}::t", slow=True) for n in range(3)]
    browser = [Item(f"tests/browser/{name}::t") for name in ("a", LONG_BROWSING[1], LONG_BROWSING[0])]
    found = files(*browser, *slow, *quick)
    assert found[-3:] == [*LONG_BROWSING[:2], "a"]
    assert [found.index(f"s{n}") for n in range(3)] == [0, APART + 1, 2 * (APART + 1)]
    assert [name for name in found if name.startswith("q")] == [item.path.name for item in quick]


def test_long_files_with_a_browser_are_there():
    browsing = Path(__file__).parents[1] / "browser"
    assert set(LONG_BROWSING) <= {path.name for path in browsing.glob("test_*.py")}


def test_a_file_s_tests_stay_together_and_in_their_order():
    items = [Item("tests/e2e/a::quick"), Item("tests/unit/b::t"), Item("tests/e2e/a::slow", slow=True)]
    some: Any = items
    assert ordered(some) == [items[0], items[2], items[1]]


class Worker:
    """Runs what it is sent; it takes nothing more once it was told to end."""

    def __init__(self, name: str) -> None:
        self.gateway = SimpleNamespace(id=name, spec=name)
        self.waiting: list[int] = []
        self.shutting_down = False

    def send_runtest_some(self, tests: list[int]) -> None:
        assert not self.shutting_down
        self.waiting += tests

    def shutdown(self) -> None:
        self.shutting_down = True


@given(st.lists(st.integers(1, 5), max_size=12), st.lists(st.integers(1, 5), max_size=8), st.randoms())
def test_all_run_once_and_few_browsers_at_a_time(others: list[int], browsers: list[int], rng: random.Random):
    names = [f"tests/unit/{file}::{n}" for file, count in enumerate(others) for n in range(count)]
    names += [f"tests/browser/{file}::{n}" for file, count in enumerate(browsers) for n in range(count)]
    options = SimpleNamespace(loadscopereorder=False, tx=["4*popen"], debug=False)
    scheduler = BrowsersLast(cast("Any", SimpleNamespace(option=options, getvalue=lambda name: options.tx)))
    workers: list[Any] = [Worker(f"gw{n}") for n in range(4)]
    for worker in workers:
        scheduler.add_node(worker)
    for worker in workers:
        scheduler.add_node_collection(worker, names)
    scheduler.schedule()
    ran: dict[str, list[int]] = {}
    while busy := [each for each in workers if each.waiting]:
        worker = rng.choice(busy)
        test = worker.waiting.pop(0)
        ran.setdefault(names[test], []).append(workers.index(worker))
        scheduler.mark_test_complete(worker, test)
    assert sorted(ran) == sorted(names)
    assert all(len(by) == 1 for by in ran.values())
    if len(others) >= len(workers):
        assert len({by[0] for name, by in ran.items() if "/browser/" in name}) <= BROWSERS
