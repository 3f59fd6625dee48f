"""The rule by which persons are asked, hidden and erased."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import Refused
from schemas.retention import DEFAULTS, NOTICE, OUTCOMES, RetentionTerms, Step, make_terms
from streams.domain.fold import fold
from streams.domain.retention import Hidden, Kept, Next, months_after, next_step, outcome
from tests.facts import fact, hired, signed_up

TERMS = RetentionTerms(12, 6)
NOTICED = timedelta(days=NOTICE)


def day(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


CASES: list[tuple[Kept, RetentionTerms, tuple[Step, str] | None]] = [
    (Kept(None, None), TERMS, None),
    (Kept(day("2026-03-01"), None), TERMS, ("ask", "2027-01-30")),
    (Kept(day("2026-03-01"), day("2026-12-31")), TERMS, ("ask", "2027-12-01")),
    (Kept(day("2027-03-01"), day("2026-12-31")), TERMS, ("ask", "2028-01-31")),
    (Kept(day("2026-03-01"), None, day("2027-01-30")), TERMS, ("restrict", "2027-03-01")),
    (Kept(day("2026-03-01"), None, day("2030-01-01")), TERMS, ("restrict", "2030-01-31")),
    (Kept(day("2026-03-01"), None, day("2026-01-01")), TERMS, ("ask", "2027-01-30")),
    (Kept(day("2026-03-01"), None, day("2027-01-30")), RetentionTerms(12, 0), ("erase", "2027-03-01")),
    (Kept(day("2026-03-01"), None, day("2026-03-02")), RetentionTerms(0, 0), ("erase", "2026-04-01")),
    (Kept(day("2026-03-01"), None, hidden=Hidden(day("2027-03-01"), "retention")), TERMS, ("erase", "2027-09-01")),
    (
        Kept(day("2026-03-01"), None, hidden=Hidden(day("2027-03-01"), "retention", day("2027-05-05"))),
        TERMS,
        ("erase", "2027-05-05"),
    ),
    (  # hired since they were hidden
        Kept(day("2027-08-01"), None, hidden=Hidden(day("2027-03-01"), "retention", day("2027-09-01"))),
        TERMS,
        ("erase", "2029-02-01"),
    ),
    (  # the campaign goes on
        Kept(day("2026-03-01"), day("2030-01-01"), hidden=Hidden(day("2027-03-01"), "retention", day("2027-09-01"))),
        TERMS,
        ("erase", "2031-07-01"),
    ),
    (Kept(day("2020-03-01"), None, hidden=Hidden(day("2020-03-01"), "law")), TERMS, None),
    (
        Kept(day("2020-03-01"), None, hidden=Hidden(day("2020-03-01"), "law", day("2031-01-01"))),
        TERMS,
        ("lift", "2031-01-01"),
    ),
    (Kept(day("2020-03-01"), None, erased=True), TERMS, None),
]


@pytest.mark.parametrize(("kept", "terms", "expected"), CASES)
def test_what_comes_next(kept: Kept, terms: RetentionTerms, expected: tuple[Step, str] | None):
    assert next_step(kept, terms) == (Next(expected[0], day(expected[1])) if expected else None)


@pytest.mark.parametrize(
    ("at", "months", "expected"),
    [("2026-01-31", 1, "2026-02-28"), ("2024-02-29", 12, "2025-02-28"), ("2026-11-30", 3, "2027-02-28")],
)
def test_months_end_where_they_end(at: str, months: int, expected: str):
    assert months_after(day(at), months) == day(expected)


MOMENTS = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1)).map(lambda at: at.replace(tzinfo=UTC))
LENGTHS = st.builds(RetentionTerms, st.integers(0, 600), st.integers(0, 600))


@given(MOMENTS, st.none() | MOMENTS, MOMENTS, LENGTHS)
def test_everybody_is_asked_then_hidden_then_erased_and_never_too_early(
    heard: datetime, ends: datetime | None, starts: datetime, terms: RetentionTerms
):
    """A clock that begins to look at any time, also long after all was due."""
    kept, now, steps, at = Kept(heard, ends), starts, [], {}
    while (step := next_step(kept, terms)) and len(steps) < 9:
        now = max(now, step.due)
        steps.append(step.step)
        at[step.step] = now
        if step.step == "ask":
            kept = Kept(heard, ends, now if now >= max(heard, ends or heard) else max(heard, ends or heard))
        elif step.step == "restrict":
            kept = Kept(heard, ends, kept.asked_at, Hidden(now, "retention"))
        else:
            kept = Kept(heard, ends, erased=True)
    assert steps == (["ask", "restrict", "erase"] if terms.hold else ["ask", "erase"])
    begins, first = max(heard, ends or heard), at[steps[1]]
    assert first >= at["ask"] + NOTICED
    assert first >= months_after(begins, terms.keep)
    assert at["erase"] >= months_after(first, terms.hold)


@given(MOMENTS, st.timedeltas(timedelta(0), timedelta(days=4000)), LENGTHS, st.none() | MOMENTS)
def test_who_is_heard_of_later_is_not_asked_earlier(
    heard: datetime, later: timedelta, terms: RetentionTerms, ends: datetime | None
):
    one, other = next_step(Kept(heard, ends), terms), next_step(Kept(heard + later, ends), terms)
    assert one is not None
    assert other is not None
    assert other.due >= one.due


@given(MOMENTS, MOMENTS, st.none() | MOMENTS, LENGTHS, st.sampled_from(["law", "request", "dispute"]))
def test_who_is_hidden_on_another_ground_is_never_erased_by_the_clock(
    heard: datetime, since: datetime, until: datetime | None, terms: RetentionTerms, ground: str
):
    step = next_step(Kept(heard, None, hidden=Hidden(since, ground, until)), terms)
    assert step == (Next("lift", until) if until else None)


def test_what_came_of_somebody_and_when_they_were_last_heard_of():
    told = [signed_up("c1", time="2026-03-01T00:00:00Z")]
    facts = [fact(each["type"], **each["data"] | {"time": each["time"]}) for each in told]
    assert (outcome(fold(facts)), fold(facts).last_contact) == ("not_hired", 1772323200000000)
    facts.append(fact("candidate.checked_in", candidate="c1", fair="f", time="2026-04-01T00:00:00Z"))
    assert fold(facts).last_contact == 1775001600000000
    facts.append(fact(**_said(hired("c1", time="2026-05-01T00:00:00Z"))))
    assert (outcome(fold(facts)), fold(facts).last_contact) == ("hired", 1777593600000000)
    facts.append(fact("benefit.applied", candidate="c1", benefit="b", kind="rent_subsidy", time="2026-06-01T00:00:00Z"))
    assert (outcome(fold(facts)), fold(facts).last_contact) == ("benefits", 1780272000000000)
    for word, heard in (("consent.given", 1782864000000000), ("consent.withdrawn", 1780272000000000)):
        facts.append(fact(word, candidate="c1", purpose="keeping", time="2026-07-01T00:00:00Z"))
        assert fold(facts).last_contact == heard, word
    facts.append(fact("candidate.restricted", candidate="c1", ground="law", time="2026-08-01T00:00:00Z"))
    assert fold(facts).last_contact == 1780272000000000
    facts.append(fact("candidate.restriction_lifted", candidate="c1", time="2026-09-01T00:00:00Z"))
    assert fold(facts).last_contact == 1788220800000000


def _said(event: dict[str, object]) -> dict[str, object]:
    return {"type": event["type"], "time": event["time"], **event["data"]}  # type: ignore[dict-item]


@pytest.mark.parametrize(("keep", "hold"), [(-1, 0), (0, -1), (601, 0), (0, 601)])
def test_terms_that_nobody_could_mean_are_refused(keep: int, hold: int):
    with pytest.raises(Refused):
        make_terms(keep, hold)


def test_there_is_a_default_for_whatever_comes_of_somebody():
    assert tuple(DEFAULTS) == OUTCOMES
