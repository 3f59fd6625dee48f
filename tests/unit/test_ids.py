"""Ids that tell who somebody is are refused; ids that only look a little like that are not."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import ids
from schemas.facts import validate_event
from schemas.ids import looks_like, none_tells, telling
from tests.facts import event, fact

PHONE, ADDRESS, CARD = "a telephone number", "an e-mail address", "the number of an identity card"


@pytest.mark.parametrize(
    ("id", "what"),
    [
        ("13800138000", PHONE),
        ("c-13800138000", PHONE),
        ("huayou:13800138000", PHONE),
        ("+8613800138000", PHONE),
        ("+86 138-0013-8000", PHONE),
        ("008613800138000", PHONE),
        ("１３８００１３８０００", PHONE),
        ("138 0013 8000", PHONE),
        ("+49 170 1234567", PHONE),
        ("li@example.com", ADDRESS),
        ("huayou:li@example.com", ADDRESS),
        ("11010519491231002X", CARD),
        ("c-11010519491231002x", CARD),
        ("440524188001010014", None),  # born in 1880
        ("110105194912310021", None),  # the last digit doesn't follow
        ("110105194913310029", None),  # no month is the 13th
        ("c-1024", None),
        ("12800138000", None),
        ("1732600000000", None),  # milliseconds since 1970
        ("1380013800012", None),
        ("x13800138000", None),
        ("o@77", None),
        ("学生-17", None),
        ("2026-03-08", None),
    ],
)
def test_what_an_id_looks_like(id: str, what: str | None) -> None:
    assert looks_like(id) == what


@given(st.uuids())
def test_random_ids_tell_nothing(random: UUID) -> None:
    assert looks_like(str(random)) is None
    assert looks_like(f"c-{random.hex}") is None


@given(st.text(alphabet="0123456789+-() @Xx.ac", max_size=30))
def test_the_quick_looks_pass_over_nothing_that_the_slow_ones_find(text: str) -> None:
    slow = (ids._MOBILE, ids._ABROAD, ids._CARD)
    if "@" in text or any(pattern.search(text) for pattern in slow):
        assert ids._may_tell(text)


IDS = st.text(alphabet="013589+-@xaé", min_size=1, max_size=14)


@given(st.lists(st.tuples(IDS, IDS, IDS), max_size=4))
def test_what_is_looked_at_together_passes_over_nothing_that_each_would_show(named: list[tuple[str, str, str]]) -> None:
    facts = [fact("offer.accepted", id=id, candidate=candidate, offer=offer) for id, candidate, offer in named]
    if none_tells(facts):
        assert not any(map(telling, facts))


@pytest.mark.parametrize("name", ["candidate", "offer", "benefit"])
def test_a_fact_says_which_id_it_is_and_never_the_id(name: str) -> None:
    named = {"candidate": "c1", "offer": "o1", "benefit": "b1", "kind": "rent_subsidy"} | {name: "13800138000"}
    types = {"candidate": "candidate.withdrew", "offer": "offer.accepted", "benefit": "benefit.applied"}
    wanted = {"candidate": ("candidate",), "offer": ("candidate", "offer"), "benefit": ("candidate", "benefit", "kind")}
    error = telling(fact(types[name], **{key: named[key] for key in wanted[name]}))
    assert error is not None
    assert error.field == f"data.{name}"
    assert "telephone" in error.message
    assert "138" not in error.message


def test_the_identity_of_a_fact_tells_nobody_either() -> None:
    error = telling(fact("candidate.withdrew", id="li@example.com", candidate="c1"))
    assert error is not None
    assert error.field == "id"


def test_who_has_such_an_id_already_can_be_erased_and_put_right() -> None:
    assert telling(fact("candidate.erased", candidate="13800138000")) is None
    said = event("fact.retracted", candidate="13800138000", reason="so")
    said["data"] |= {"source": "/a", "id": "13800138000"}
    assert telling(validate_event(said)) is None
