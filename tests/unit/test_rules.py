"""DESIGN.md §4 and §5 sentence by sentence: a life told in a line, and where the candidate stands after it.

A life is a list of moments in order: `signup`, `withdraw`, `checkin f1`, `interview e1`, `extend o1 e1`, `accept o1`,
`hire e1`, `end e1`, `paid 10`, `erase`, `signup education=doctor` …, each one day after the one before.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from schemas.facts import Fact, validate_event
from schemas.journey import Journey
from schemas.pace import crossed
from streams.domain.campaign import fold_campaign, make_target
from streams.domain.fold import fold
from streams.domain.measures import contribution, fairs_held, milestones
from tests.facts import CAMPAIGN, event, opened, retraction, target

ZONE = ZoneInfo("Asia/Shanghai")
START = datetime(2026, 3, 1, 9, tzinfo=UTC)


def _answer(what: str) -> Any:
    return lambda offer: (f"offer.{what}", {"offer": offer})


MOMENTS: dict[str, Any] = {
    "signup": lambda **more: ("candidate.signed_up", {"name": "Li", **more}),
    "withdraw": lambda: ("candidate.withdrew", {}),
    "checkin": lambda fair: ("candidate.checked_in", {"fair": fair}),
    "interview": lambda employer, **more: ("candidate.interviewed", {"employer": employer, **more}),
    "extend": lambda offer, employer: ("offer.extended", {"offer": offer, "employer": employer, "position": "P"}),
    "accept": _answer("accepted"),
    "decline": _answer("declined"),
    "rescind": _answer("rescinded"),
    "hire": lambda employer: ("hire.started", {"employer": employer, "started_on": "2026-07-01"}),
    "end": lambda employer: ("hire.ended", {"employer": employer, "ended_on": "2026-08-01"}),
    "paid": lambda amount="0": ("benefit.paid", {"benefit": "b1", "kind": "rent_subsidy", "amount": float(amount)}),
    "refused": lambda: ("benefit.refused", {"benefit": "b1", "kind": "rent_subsidy"}),
    "erase": lambda: ("candidate.erased", {}),
}


def lived(life: str) -> list[Fact]:
    """The facts of a life; the first has the id n1."""
    facts = []
    for number, moment in enumerate(filter(None, life.split(", ")), start=1):
        verb, *words = moment.split()
        named = dict(word.split("=") for word in words if "=" in word)
        time = (START + timedelta(days=number)).isoformat()
        if verb == "retract":
            facts.append(validate_event(retraction(f"n{words[0]}", candidate="c1", id=f"n{number}", time=time)))
            continue
        kind, data = MOMENTS[verb](*[word for word in words if "=" not in word], **named)
        facts.append(validate_event(event(kind, id=f"n{number}", time=time, candidate="c1", **data)))
    return facts


def told(life: str) -> Journey:
    return fold(lived(life))


ALL = ("hired", "accepted", "offered", "interviewed", "attended", "signed_up")


@pytest.mark.parametrize(
    ("life", "stands"),
    [
        ("", ()),
        ("signup", ALL[5:]),
        ("checkin f1", ALL[4:]),
        ("interview e1", ALL[3:]),
        ("interview e1 outcome=failed", ALL[3:]),
        ("extend o1 e1", ALL[2:]),
        ("extend o1 e1, decline o1", ALL[2:]),
        ("extend o1 e1, rescind o1", ()),
        ("signup, extend o1 e1, rescind o1", ALL[5:]),
        ("extend o1 e1, rescind o1, extend o1 e1", ALL[2:]),
        ("extend o1 e1, accept o1", ALL[1:]),
        ("accept o1", ALL[1:]),
        ("extend o1 e1, accept o1, rescind o1", ()),
        ("extend o1 e1, accept o1, decline o1", ALL[2:]),
        ("extend o1 e1, extend o2 e2, rescind o1", ALL[2:]),
        ("hire e1", ALL),
        ("hire e1, end e1", ()),
        ("extend o1 e1, accept o1, hire e1, end e1", ALL[1:]),
        ("hire e1, end e1, hire e1", ALL),
        ("hire e1, hire e2, end e1", ALL),
        ("end e1, hire e1", ALL),
        # withdrawn: counts for nothing, unless it stands as hired
        ("signup, withdraw", ()),
        ("withdraw", ()),
        ("signup, checkin f1, interview e1, extend o1 e1, accept o1, withdraw", ()),
        ("signup, withdraw, checkin f1", ()),
        ("signup, withdraw, signup", ALL[5:]),
        ("signup, withdraw, hire e1", ALL),
        ("hire e1, withdraw", ALL),
        ("hire e1, withdraw, end e1", ()),
        ("checkin f1, withdraw", ()),
        # a retraction makes it as if it had never been posted
        ("hire e1, retract 1", ()),
        ("signup, checkin f1, retract 2", ALL[5:]),
        ("hire e1, end e1, retract 2", ALL),
        ("signup, withdraw, retract 2", ALL[5:]),
        ("signup, withdraw, signup, retract 3", ()),
        ("retract 2, hire e1", ()),
        ("retract 9", ()),
        # a retraction can't be retracted, nor an erasure
        ("hire e1, retract 1, retract 2", ()),
        ("signup, erase, retract 2", ALL[5:]),
        # erased: the milestones still count
        ("signup, hire e1, erase", ALL),
        ("signup, erase, hire e1", ALL),
    ],
)
def test_where_a_candidate_stands(life: str, stands: tuple[str, ...]):
    assert tuple(milestones(told(life))) == stands


@pytest.mark.parametrize(
    ("life", "expected"),
    [
        ("signup name=Li education=bachelor, signup name=Lei", {"name": 2, "education": "bachelor"}),
        ("signup name=Li school=A, signup name=Li school=B", {"name": 2, "school": "B"}),
        ("signup name=Li school=A, signup name=Li school=B, retract 2", {"name": 1, "school": "A"}),
        ("signup name=Li locale=en, erase", {}),
        ("signup name=Li school=A, erase", {"school": "A"}),
        ("erase, signup name=Li", {"name": 2}),
        ("signup name=Li school=A, erase, signup name=Li", {"name": 3, "school": "A"}),
        ("signup name=Li, erase, signup name=Li, retract 3", {}),
    ],
)
def test_attributes_are_the_latest_word_on_each(life: str, expected: dict[str, Any]):
    """Of a name, the journey knows which fact says it: in the table, its number."""
    journey = told(life)
    personal = {name: int(id.removeprefix("n")) for name, (_, _, id) in journey.told.items()}
    assert {name: word.value for name, word in journey.attributes.items()} | personal == expected


@pytest.mark.parametrize(
    ("earlier", "later", "winner"),
    [
        ({"time": "2026-03-01T09:00:00+08:00"}, {"time": "2026-03-01T01:00:01Z"}, "second"),
        (
            {"time": "2026-03-01T09:00:00+08:00", "source": "/b"},
            {"time": "2026-03-01T01:00:00Z", "source": "/a"},
            "first",
        ),
        ({"source": "/a", "id": "2"}, {"source": "/a", "id": "10"}, "first"),
        ({"source": "/a", "id": "z"}, {"source": "/b", "id": "a"}, "second"),
        ({"source": "/a", "id": "ｚ"}, {"source": "/a", "id": "\U0001f426"}, "second"),
    ],
)
def test_the_latest_is_by_time_then_source_then_id(earlier: dict[str, str], later: dict[str, str], winner: str):
    both = [
        validate_event(event("candidate.signed_up", candidate="c1", name=name, **when))
        for name, when in (("first", earlier), ("second", later))
    ]
    said = both[("first", "second").index(winner)].stamp
    assert fold(both).told["name"] == fold(reversed(both)).told["name"] == said


def test_the_same_identity_again_is_a_duplicate_whatever_it_says():
    both = [
        validate_event(event("candidate.signed_up", candidate="c1", name=name, id="x", time=time))
        for name, time in (("first", "2026-03-01T00:00:00Z"), ("second", "2026-04-01T00:00:00Z"))
    ]
    assert fold(both).told["name"] == both[0].stamp


@pytest.mark.parametrize(
    ("life", "measure", "where", "expected"),
    [
        ("signup education=doctor", "signed_up", {"education": ["bachelor", "doctor"]}, 1),
        ("signup education=master", "signed_up", {"education": ["bachelor", "doctor"]}, 0),
        ("signup", "signed_up", {"education": ["bachelor"]}, 0),
        ("signup education=doctor school=A", "signed_up", {"education": ["doctor"], "school": ["B"]}, 0),
        ("signup education=doctor school=A", "signed_up", {"education": ["doctor"], "school": ["A", "B"]}, 1),
        ("signup chain=steel, hire e1", "hired", {"chain": ["steel"], "employer": ["e1"]}, 1),
        ("signup chain=steel, hire e1, erase", "hired", {"chain": ["steel"]}, 1),
        ("signup fair=f1", "signed_up", {"fair": ["f1"]}, 1),
        ("signup fair=f2, checkin f1", "signed_up", {"fair": ["f1"]}, 1),
        ("signup fair=f2, checkin f2", "attended", {"fair": ["f1"]}, 0),
        ("signup fair=f1, hire e1", "hired", {"fair": ["f1"]}, 1),
        ("interview e1", "interviewed", {"employer": ["e1"]}, 1),
        ("interview e1", "interviewed", {"employer": ["e2"]}, 0),
        ("interview e1, extend o1 e2", "interviewed", {"employer": ["e2"]}, 1),
        ("interview e1, extend o1 e2", "offered", {"employer": ["e1"]}, 0),
        ("extend o1 e1, decline o1", "offered", {"employer": ["e1"]}, 1),
        ("extend o1 e1, extend o1 e2, accept o1", "accepted", {"employer": ["e1"]}, 0),
        ("extend o1 e1, extend o1 e2, accept o1", "accepted", {"employer": ["e2"]}, 1),
        ("accept o1", "accepted", {"employer": ["e1"]}, 0),
        ("hire e1", "accepted", {"employer": ["e1"]}, 1),
        ("hire e1, withdraw", "offered", {"employer": ["e1"]}, 1),
        ("extend o1 e2, hire e1, withdraw", "offered", {"employer": ["e2"]}, 0),
        ("hire e1, hire e2, end e1", "hired", {"employer": ["e1"]}, 0),
        ("hire e1", "hired", {"employer": ["e1", "e2"]}, 1),
        ("hire e1", "fairs_held", {}, 0),
        ("paid 10, paid 2.5", "paid", {}, Decimal("12.5")),
        ("paid 10, retract 1", "paid", {}, 0),
        ("paid 10, refused", "paid", {}, 10),
        ("paid 10, withdraw", "paid", {}, 0),
        ("paid 10, withdraw, hire e1", "paid", {}, 10),
        ("paid 10, hire e1", "paid", {"employer": ["e1"]}, 10),
        ("paid 10, hire e1, end e1", "paid", {"employer": ["e1"]}, 0),
        ("paid 10, extend o1 e1, accept o1", "paid", {"employer": ["e1"]}, 0),
        ("paid 0.1, paid 0.2", "paid", {}, Decimal("0.3")),
    ],
)
def test_what_a_life_adds_to_a_target(life: str, measure: str, where: dict[str, list[str]], expected: Decimal):
    journey = told(life)
    wanted = make_target(CAMPAIGN, target("t", measure, where=where)["data"])
    assert sum(contribution(journey, milestones(journey), wanted, ZONE).values()) == expected


@pytest.mark.parametrize(
    ("life", "days"),
    [
        ("signup, signup", {"signed_up": 1}),
        ("withdraw, signup, checkin f1, checkin f1", {"attended": 3, "signed_up": 2}),
        ("checkin f1, signup", {"attended": 1, "signed_up": 1}),
        ("interview e1, interview e1, interview e2", {"interviewed": 1, "attended": 1, "signed_up": 1}),
        ("signup, extend o1 e1, accept o1", {"accepted": 3, "offered": 2, "interviewed": 2, "signed_up": 1}),
        ("extend o1 e1, decline o1, accept o1", {"accepted": 3, "offered": 1}),
        ("hire e1, end e1, hire e1", {"hired": 3, "accepted": 3, "signed_up": 3}),
        ("hire e2, hire e1", {"hired": 1}),
    ],
)
def test_a_milestone_is_of_the_day_of_its_earliest_evidence(life: str, days: dict[str, int]):
    standing = milestones(told(life))
    expected = {measure: (START + timedelta(days=day)).timestamp() * 1e6 for measure, day in days.items()}
    assert {measure: standing[measure] for measure in days} == expected


@pytest.mark.parametrize(("source", "stands"), [("/hr/a", ("signed_up",)), ("/hr/z", ())])
def test_a_withdrawal_at_the_same_moment_is_later_by_its_source(source: str, stands: tuple[str, ...]):
    both = [event("candidate.signed_up", candidate="c1", name="Li"), event("candidate.withdrew", candidate="c1")]
    both[1]["source"] = source
    assert tuple(milestones(fold(map(validate_event, both)))) == stands


def test_a_graduation_year_matches_as_a_number_and_as_text():
    journey = fold([validate_event(event("candidate.signed_up", candidate="c1", name="Li", graduation_year=2026))])
    for said in (2026, "2026"):
        wanted = make_target(CAMPAIGN, target("t", "signed_up", where={"graduation_year": [said]})["data"])
        assert contribution(journey, milestones(journey), wanted, ZONE)


def test_a_day_is_one_of_the_campaigns_time_zone():
    journey = fold([validate_event(event("hire.started", candidate="c1", employer="e1", started_on="2026-07-01",
                                         time="2026-03-01T23:30:00Z"))])  # fmt: skip
    wanted = make_target(CAMPAIGN, target("t")["data"])
    assert contribution(journey, milestones(journey), wanted, ZONE) == {date(2026, 3, 2): 1}
    assert contribution(journey, milestones(journey), wanted, ZoneInfo("UTC")) == {date(2026, 3, 1): 1}


def fair(day: int = 1, **more: Any) -> dict[str, Any]:
    data = {
        "fair": "f1",
        "title": "F",
        "mode": "online",
        "starts_at": f"2026-05-{day:02}T09:00:00+08:00",
        "ends_at": f"2026-05-{day:02}T17:00:00+08:00",
        **more,
    }
    return event("fair.scheduled", **data)


LATER = "2026-03-09T09:00:00+08:00"
CANCELLED = event("fair.cancelled", fair="f1", time=LATER)


@pytest.mark.parametrize(
    ("events", "where", "now", "held"),
    [
        ([fair()], {}, "2026-05-01T08:59:59+00:00", 0),
        ([fair()], {}, "2026-05-01T09:00:00+00:00", 1),
        ([fair(), CANCELLED], {}, "2026-06-01T00:00:00+00:00", 0),
        ([fair(), CANCELLED, fair(2, time="2026-03-10T09:00:00+08:00")], {}, "2026-06-01T00:00:00+00:00", 1),
        ([fair(), fair(20, time=LATER)], {}, "2026-05-10T00:00:00+00:00", 0),
        ([fair(), fair(fair="f2")], {}, "2026-06-01T00:00:00+00:00", 2),
        ([fair(), fair(fair="f2")], {"fair": ["f2", "f3"]}, "2026-06-01T00:00:00+00:00", 1),
        ([fair(employers=["e1"]), fair(fair="f2")], {"employer": ["e1"]}, "2026-06-01T00:00:00+00:00", 1),
        ([CANCELLED], {}, "2026-06-01T00:00:00+00:00", 0),
    ],
)
def test_a_fair_counts_when_it_has_ended_and_was_not_cancelled(events: Any, where: Any, now: str, held: int):
    campaign = fold_campaign(validate_event(each) for each in events)
    wanted = make_target(CAMPAIGN, target("t", "fairs_held", where=where)["data"])
    days = fairs_held(campaign.fairs.values(), wanted, datetime.fromisoformat(now), ZONE)
    assert sum(days.values()) == held


def test_a_campaigns_particulars_are_the_latest_word():
    campaign = fold_campaign(
        validate_event(each)
        for each in (
            event("campaign.closed", time="2026-03-05T00:00:00Z"),
            opened(time="2026-03-06T00:00:00Z", locale="en"),
            opened(time="2026-03-01T00:00:00Z"),
        )
    )
    assert campaign.particulars is not None
    assert (campaign.particulars.locale, campaign.closed) == ("en", False)


@pytest.mark.parametrize(
    ("events", "goal"),
    [
        ([target("t", goal=3), target("t", goal=5, time=LATER)], 5),
        ([target("t", goal=5, time=LATER), target("t", goal=3)], 5),
        ([target("t", goal=3), event("target.withdrawn", target="t", time=LATER)], None),
        ([event("target.withdrawn", target="t"), target("t", goal=3, time=LATER)], 3),
        ([target("t", goal=3), target("t", goal=5, id="b", time=LATER), retraction("b")], 3),
    ],
)
def test_a_target_is_the_latest_word_on_it(events: Any, goal: int | None):
    targets = fold_campaign(validate_event(each) for each in events).targets
    assert {name: each.goal for name, each in targets.items()} == ({} if goal is None else {"t": goal})


@pytest.mark.parametrize(
    ("before", "after", "goal", "percents"),
    [
        (0, 1, 4, [25]),
        (0, 4, 4, [25, 50, 75, 90, 100]),
        (0, 0, 4, []),
        (1, 1, 4, []),
        (4, 9, 4, []),
        (3, 1, 4, []),
        (89, 90, 100, [90]),
        (1799, 1800, 2000, [90]),
        (0, 1, 1, [25, 50, 75, 90, 100]),
        (0, "0.25", 1, [25]),
    ],
)
def test_milestones_that_a_change_crosses(before: int, after: Any, goal: int, percents: list[int]):
    assert crossed(Decimal(before), Decimal(after), Decimal(goal)) == percents


def test_of_an_employer_and_a_campaign_s_particulars_the_latest_word_counts():
    events = [
        event("employer.set", id="old", employer="huayou", name="华友", city="衢州", time="2026-03-01T00:00:00Z"),
        event("employer.set", id="new", employer="huayou", name="华友钴业", time="2026-03-02T00:00:00Z"),
        opened(reply_to="hr@park.example", contact="0570-1", signup="closed", time="2026-03-01T00:00:00Z"),
    ]
    campaign = fold_campaign(validate_event(each) for each in events)
    employer, particulars = campaign.employers["huayou"], campaign.particulars
    assert (employer.name, employer.city) == ("华友钴业", None)
    assert particulars
    assert (particulars.reply_to, particulars.contact, particulars.signup) == ("hr@park.example", "0570-1", "closed")
    again = fold_campaign(validate_event(each) for each in [*events, retraction("new"), opened()])
    assert again.employers["huayou"].name == "华友"
    assert again.particulars
    assert (again.particulars.reply_to, again.particulars.signup) == (None, "open")
