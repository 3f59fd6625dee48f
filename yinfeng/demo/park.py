"""The park's year as facts: two campaigns, their fairs and targets, and all candidates, from a seed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

from yinfeng.demo.benefits import Hired, benefit_postings
from yinfeng.demo.diary import Diary
from yinfeng.demo.events import Event
from yinfeng.demo.fairs import NEXT_FAIR, DemoFair, fair_postings, next_fair, plan_fairs
from yinfeng.demo.fates import (
    FATES,
    GRADUATES,
    LEAST,
    TALENTS,
    WORLD,
    Lot,
    count_reached,
    count_talents,
    deal,
    scaled,
)
from yinfeng.demo.journeys import walk
from yinfeng.demo.names import invent_person, pick_chain
from yinfeng.demo.setting import DemoNames, setting_postings
from yinfeng.demo.universities import EMPLOYERS
from yinfeng.demo.window import Window, lay_window

DEFAULT_CANDIDATES = WORLD
DEFAULT_SEED = 2022
_HUAYOU_SHARE = 0.5
_FAIRS = 60
_FEWEST_FAIRS = 4
_BUDGET = 31_500_000  # yuan
_OTHERS = tuple(name for name in EMPLOYERS if name != "huayou")


@dataclass(frozen=True, slots=True)
class Expected:
    """How the year ends, known from the plan and not from the facts: target id → number."""

    targets: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Story:
    """The year: facts in the order in which they are posted, the campaigns' ids, and the ending. `next_fair`: the one
    of the graduates' campaign that is still to come."""

    facts: list[Event]
    grads: str
    talents: str
    expected: Expected
    next_fair: str = NEXT_FAIR


def park_facts(
    seed: int = DEFAULT_SEED,
    *,
    today: date,
    candidates: int = DEFAULT_CANDIDATES,
    year_start: date | None = None,
) -> list[Event]:
    """The facts of `park_story` alone: CloudEvents in structured JSON form, in posting order."""
    return park_story(seed, today=today, candidates=candidates, year_start=year_start).facts


def park_story(
    seed: int = DEFAULT_SEED,
    *,
    today: date,
    candidates: int = DEFAULT_CANDIDATES,
    year_start: date | None = None,
    grads: str | None = None,
    talents: str | None = None,
) -> Story:
    """The park's year up to the evening before `today`; the same arguments give the same story.

    `candidates` counts both campaigns; numbers of a smaller world are in proportion. `grads` and
    `talents` are the campaigns' ids, by default `grads-<year>` and `talents-<year>`, from the year when the
    targets are due, and with seed and size where these are not the usual ones.
    Raises ValueError for fewer than 200 candidates, or a `year_start` less than 90 days before `today`.
    """
    if candidates < LEAST:
        raise ValueError(f"a world needs {LEAST} candidates or more, for every fate to be met; ask for more")
    rng = Random(seed)  # noqa: S311 - a story, no secret
    window = lay_window(today, year_start)
    usual = _usual_names(seed, candidates, window.due_on.year)
    names = DemoNames(grads or usual.grads, talents or usual.talents)
    fairs = plan_fairs(rng, max(_FEWEST_FAIRS, scaled(_FAIRS, candidates)), window)
    few = count_talents(candidates)
    graduate_lots = _shuffled(rng, list(deal(GRADUATES, candidates, candidates - few)))
    talent_lots = _shuffled(rng, list(deal(TALENTS, candidates, few)))
    diaries = _graduates(rng, names.grads, graduate_lots, fairs, window)
    talent_diaries = _talents(rng, names.talents, talent_lots, window)
    budget = round(_BUDGET * candidates / WORLD)
    postings = [
        *setting_postings(
            names, window, candidates, {names.grads: _seats(diaries), names.talents: _seats(talent_diaries)}
        ),
        *(posting for fair in (*fairs, next_fair(window)) for posting in fair_postings(fair, names.grads)),
        *(posting for diary in diaries + talent_diaries for posting in diary.postings),
        *benefit_postings(rng, names.talents, _hired(talent_diaries, talent_lots), budget, window.closes),
    ]
    expected = _ending(graduate_lots, talent_lots, sum(not fair.cancelled for fair in fairs), budget)
    facts = [posting.event for posting in sorted(postings, key=lambda posting: posting.posted_at)]
    return Story(facts, names.grads, names.talents, expected)


def _usual_names(seed: int, candidates: int, year: int) -> DemoNames:
    """Another world gets campaigns of its own: played into the same platform, two would make one that is neither."""
    world = "" if (seed, candidates) == (DEFAULT_SEED, DEFAULT_CANDIDATES) else f"-{seed}-{candidates}"
    return DemoNames(f"grads-{year}{world}", f"talents-{year}{world}")


def _shuffled(rng: Random, lots: list[Lot]) -> list[Lot]:
    rng.shuffle(lots)
    return lots


def _graduates(rng: Random, campaign: str, lots: list[Lot], fairs: list[DemoFair], window: Window) -> list[Diary]:
    diaries = []
    for number, lot in enumerate(lots, start=1):
        fair = _pick_fair(rng, lot, fairs, window)
        diary = _begin(rng, campaign, f"g-{number:05d}", number=number, lot=lot, window=window)
        diary.fair = fair
        walk(diary, FATES[lot.fate].steps, window.closes)
        diaries.append(diary)
    return diaries


def _talents(rng: Random, campaign: str, lots: list[Lot], window: Window) -> list[Diary]:
    """Doctors and masters with their teams sign up without a fair; time is left for benefits after a hire."""
    until = window.closes - timedelta(days=4)
    diaries = []
    for number, lot in enumerate(lots, start=1):
        diary = _begin(rng, campaign, f"t-{number:04d}", number=90_000 + number, lot=lot, window=window)
        last = until - timedelta(days=FATES[lot.fate].days)
        diary.now += (last - diary.now) * rng.random()
        walk(diary, FATES[lot.fate].steps, until)
        diaries.append(diary)
    return diaries


def _begin(rng: Random, campaign: str, candidate: str, *, number: int, lot: Lot, window: Window) -> Diary:
    employer = _pick_employer(rng, lot)
    levels, weights = zip(*lot.educations, strict=True)
    person = invent_person(
        rng,
        number,
        education=rng.choices(levels, weights=weights)[0],
        year=window.due_on.year - (rng.random() < 0.12),
        chain=pick_chain(rng, EMPLOYERS[employer].chains),
    )
    return Diary(rng, campaign, candidate, person, employer, None, window.opens + timedelta(days=1))


def _pick_employer(rng: Random, lot: Lot) -> str:
    if lot.employer in EMPLOYERS:
        return str(lot.employer)
    if lot.employer is None and rng.random() < _HUAYOU_SHARE:
        return "huayou"
    return rng.choice(_OTHERS)


def _pick_fair(rng: Random, lot: Lot, fairs: list[DemoFair], window: Window) -> DemoFair:
    """A fair early enough for what is to come. Only who never came may have chosen the cancelled one."""
    latest = window.closes - timedelta(days=FATES[lot.fate].days)
    able = [f for f in fairs if f.ends_at <= latest and (not f.cancelled or lot.fate == "signed_up")]
    return rng.choices(able or fairs[:1], weights=[fair.capacity for fair in able or fairs[:1]])[0]


def _hired(diaries: list[Diary], lots: list[Lot]) -> list[Hired]:
    return [
        Hired(diary.candidate, diary.person.education, diary.now)
        for diary, lot in zip(diaries, lots, strict=True)
        if FATES[lot.fate].reached == "hired"
    ]


def _seats(diaries: list[Diary]) -> Counter[str]:
    """How many accepted an offer, by opening."""
    return Counter(
        diary.opening for diary in diaries if any(p.event["type"] == "offer.accepted" for p in diary.postings)
    )


def _ending(graduates: list[Lot], talents: list[Lot], fairs: int, budget: int) -> Expected:
    fates = [lot.fate for lot in graduates]
    doctors = [lot.fate for lot in talents if lot.educations == TALENTS[0].educations]
    masters = [lot.fate for lot in talents if lot.educations == TALENTS[1].educations]
    return Expected(
        {
            "signups": count_reached(fates, "signed_up"),
            "offers": count_reached(fates, "offered"),
            "graduates": count_reached([lot.fate for lot in graduates if lot.employer == "huayou"], "hired"),
            "fairs": fairs,
            "doctors": count_reached(doctors, "hired"),
            "masters": count_reached(masters, "hired"),
            "paid": budget,
        }
    )
