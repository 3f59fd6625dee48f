"""What becomes of the candidates: how many meet which fate, step by step, and where each fate ends.

`MILESTONES` and `FATES` say what a journey comes to without looking at its facts, so that the numbers
expected at the end are known independently of the fold. The tables are at the foot of this file.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

WORLD = 8000  # candidates that the counts below are meant for
LEAST = 200
_TALENT_SHARE = 0.05
_FEWEST_TALENTS = 12


class Fate(NamedTuple):
    """The steps of a journey and the furthest milestone that stands at its end (None: counts for nothing)."""

    steps: tuple[str, ...]
    reached: str | None

    @property
    def days(self) -> int:
        """How many days before the end the fair should be, so that the steps need not be hurried."""
        return 21 if "offer" in self.steps else 0


class FateRow(NamedTuple):
    """How many candidates of the whole world meet a fate. `employer` None: any that fits."""

    fate: str
    people: int
    employer: str | None = None


class Cohort(NamedTuple):
    """Candidates that come to exactly `total`; the first row takes what the others leave."""

    total: int
    educations: tuple[tuple[str, int], ...]  # (education, weight)
    rows: tuple[FateRow, ...]


class Lot(NamedTuple):
    """One candidate's part in the plan."""

    fate: str
    employer: str | None
    educations: tuple[tuple[str, int], ...]


def scaled(count: int, candidates: int) -> int:
    """`count` of the whole world in a world of so many candidates; never nothing."""
    return max(1, round(count * candidates / WORLD))


def count_talents(candidates: int) -> int:
    """How many of the world's candidates are in the talents' campaign; the others are graduates."""
    return max(_FEWEST_TALENTS, round(candidates * _TALENT_SHARE))


def deal(groups: tuple[Cohort, ...], candidates: int, total: int) -> Iterator[Lot]:
    """The lots of `total` candidates; the last group takes what the others leave. The world must have
    at least `LEAST` candidates for every fate to be met."""
    left = total
    for group in groups:
        size = left if group is groups[-1] else scaled(group.total, candidates)
        left -= size
        others = [scaled(row.people, candidates) for row in group.rows[1:]]
        for row, count in zip(group.rows, [size - sum(others), *others], strict=True):
            yield from [Lot(row.fate, row.employer, group.educations)] * count


def count_reached(fates: list[str], milestone: str) -> int:
    """How many of these fates come to the milestone or further."""
    far = set(MILESTONES[MILESTONES.index(milestone) :])
    return sum(FATES[fate].reached in far for fate in fates)


MILESTONES = ("signed_up", "attended", "interviewed", "offered", "accepted", "hired")

_SEEN = ("sign_up", "check_in", "interview")

FATES = {
    "signed_up": Fate(("sign_up",), "signed_up"),
    "withdrew": Fate(("sign_up", "withdraw"), None),
    "attended": Fate(("sign_up", "check_in"), "attended"),
    "mistaken_scan": Fate(("sign_up", "check_in", "retract"), "signed_up"),
    "withdrew_late": Fate((*_SEEN, "withdraw"), None),
    "returned": Fate(("sign_up", "check_in", "withdraw", "sign_up_again", "interview"), "interviewed"),
    "failed": Fate(("sign_up", "check_in", "fail"), "interviewed"),
    "pending": Fate(("sign_up", "check_in", "pend"), "interviewed"),
    "erased": Fate(("sign_up", "check_in", "fail", "erase"), "interviewed"),
    "mistaken_hire": Fate((*_SEEN, "hire", "retract"), "interviewed"),
    "rescinded": Fate((*_SEEN, "offer", "rescind"), "interviewed"),
    "offered": Fate((*_SEEN, "offer"), "offered"),
    "declined": Fate((*_SEEN, "offer", "decline"), "offered"),
    "accepted": Fate((*_SEEN, "offer", "accept"), "accepted"),
    "no_show": Fate((*_SEEN, "offer", "accept", "hire", "end"), "accepted"),
    "hired": Fate((*_SEEN, "offer", "accept", "hire"), "hired"),
    "offered_twice": Fate((*_SEEN, "offer", "expire", "offer", "accept", "hire"), "hired"),
    "second_choice": Fate(
        (*_SEEN, "go_to_rival", "interview", "offer", "decline", "come_back", "interview", "offer", "accept", "hire"),
        "hired",
    ),
}

_GRADUATES = (("bachelor", 78), ("master", 20), ("doctor", 2))
_ANYBODY = (("bachelor", 70), ("master", 16), ("doctor", 2), ("associate", 9), ("vocational", 3))

GRADUATES = (
    Cohort(
        2000,
        _GRADUATES,
        (
            FateRow("hired", 0, "huayou"),
            FateRow("offered_twice", 40, "huayou"),
            FateRow("second_choice", 25, "huayou"),
        ),
    ),
    Cohort(
        5600,
        _ANYBODY,
        (
            FateRow("signed_up", 0),
            FateRow("hired", 620, "others"),
            FateRow("offered_twice", 15, "others"),
            FateRow("no_show", 60, "huayou"),
            FateRow("no_show", 25, "others"),
            FateRow("accepted", 160),
            FateRow("offered", 130),
            FateRow("declined", 230),
            FateRow("rescinded", 18),
            FateRow("mistaken_hire", 4, "huayou"),
            FateRow("erased", 12),
            FateRow("returned", 30),
            FateRow("failed", 900),
            FateRow("pending", 350),
            FateRow("attended", 1150),
            FateRow("mistaken_scan", 25),
            FateRow("withdrew", 110),
            FateRow("withdrew_late", 30),
        ),
    ),
)

TALENTS = (
    Cohort(67, (("doctor", 1),), (FateRow("hired", 0), FateRow("offered_twice", 3))),
    Cohort(59, (("master", 1),), (FateRow("hired", 0),)),
    Cohort(
        274,
        (("doctor", 4), ("master", 6)),
        (
            FateRow("signed_up", 0),
            FateRow("failed", 70),
            FateRow("pending", 40),
            FateRow("offered", 12),
            FateRow("declined", 30),
            FateRow("no_show", 4),
            FateRow("withdrew", 8),
        ),
    ),
)
