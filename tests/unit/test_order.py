"""In which order the files of tests run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.order import APART, ordered


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
    browser = [Item("tests/browser/a::t"), Item("tests/browser/z::t", slow=True)]
    found = files(*browser, *slow, *quick)
    assert found[-2:] == ["z", "a"]
    assert [found.index(f"s{n}") for n in range(3)] == [0, APART + 1, 2 * (APART + 1)]
    assert [name for name in found if name.startswith("q")] == [item.path.name for item in quick]


def test_a_file_s_tests_stay_together_and_in_their_order():
    items = [Item("tests/e2e/a::quick"), Item("tests/unit/b::t"), Item("tests/e2e/a::slow", slow=True)]
    some: Any = items
    assert ordered(some) == [items[0], items[2], items[1]]
