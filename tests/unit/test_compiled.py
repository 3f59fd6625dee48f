"""The compiled catalogue is sure of nothing that the models refuse, and makes the same facts of the rest."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.catalogue import CATALOGUE
from schemas.compiled import shapes, sure_moment
from schemas.errors import InvalidFact
from schemas.facts import MAX_KEYS, Fact, check_by_models, parse_json, validate_event, validate_events
from schemas.openapi import example_event
from tests.facts import event, signed_up
from tests.strategies import Event, events, json_values

# Nearly right: other notations, bounds, and what the models refuse for one character.
NEARLY = st.sampled_from(
    ["2026-03-08t09:30:00z", "2026-03-08T09:30:60Z", "2026-03-08T24:00:00Z", "2026-03-08T09:30:00.123456789012Z",
     "2026-03-08T09:30:00-00:00", "2026-03-08T09:30:00+24:00", "2026-03-08 09:30:00Z", "2026-03-08T09:30:00+0800",
     "2026-03-08T09:30:00.1234567Z", "2026-03-08T09:30:00.1234567+08:00", "2026-03-08T09:30:00.123456-05:00",
     "2026-03-08T09:30:00", "0001-01-01T00:00:00+23:00", "9000-12-31T23:59:59Z", "1900-01-01T00:00:00+14:00",
     "2026-W10-7", "20260308",
     "2026-02-30", "2026-02-29", "2024-02-29", "1900-01-01", "1899-12-31", "9000-12-31", "9001-01-01", "2026-04-31",
     "2026-12-31\n", "2026-12-31 ", "２026-03-08", "", " ", " x", "x ", "x\n", "\u3000x", "x\xa0", "a\x7fb", "a\u2028",
     "a\ufeffb", "é" * 200, "x" * 201, "\U0001f426" * 200, "\U0001f426" * 201, "a\\b", 'a"b', "a b", "1.0", "null",
     "li@example.com", "li@example.com\n", "li@[1]", "+86 138 0000 0000", "CNY", "CNY\n", "rent_subsidy\n", "Rent",
     None, True, 1, 1.0, 0, -0.0, 1e15, 10**15 + 1, 10**400, 2**31, 2**63, 1899, 2201, [], [1], {}]
)  # fmt: skip
VALUES = NEARLY | json_values()


@given(events())
def test_of_valid_events_both_make_the_same_fact(given: Event):
    assert validate_event(given) == check_by_models(given)
    said = parse_json(json.dumps(given).encode())
    assert validate_event(said) == check_by_models(said)


@pytest.mark.parametrize("name", shapes())
@settings(max_examples=max(20, settings().max_examples // 4))
@given(data=st.data())
def test_what_the_compiled_catalogue_sure_moment_of_the_models_accept(name: str, data: st.DataObject):
    row = CATALOGUE[name]
    given = data.draw(st.just(example_event(row)) | events([name]))
    outer = st.sampled_from([*given, "subject", "datacontenttype", "dataschema", "traceparent", "Extra", "x_y"])
    inner = st.sampled_from([*row.data.model_fields, "extra"])
    changed = given | data.draw(st.dictionaries(outer, VALUES, max_size=1))
    if isinstance(changed["data"], dict):
        changed["data"] = changed["data"] | data.draw(st.dictionaries(inner, VALUES, max_size=2))
    found, by_models = answer(validate_event, changed), answer(check_by_models, changed)
    assert found == by_models


@given(st.lists(events() | json_values() | events().map(lambda given: given | {"id": "x "}), max_size=5))
def test_what_is_checked_together_is_what_each_is_alone(given: list[Any]):
    together = [
        {each.field: each.message for each in found.errors} if isinstance(found, InvalidFact) else found
        for found in validate_events(given)
    ]
    assert together == [answer(validate_event, each) for each in given]


def answer(check: Callable[[Event], Fact], given: Event) -> Fact | dict[str, str]:
    try:
        return check(given)
    except InvalidFact as error:
        return {each.field: each.message for each in error.errors}


def test_every_kind_of_fact_is_recognised_but_those_whose_parts_must_fit_together():
    apart = {"campaign.opened", "target.set", "fair.scheduled", "consent.given", "consent.withdrawn"}
    apart |= {"candidate.merged", "candidate.unmerged"}
    assert set(CATALOGUE) - apart == set(shapes())
    for name in shapes():
        assert sure_moment(example_event(CATALOGUE[name])) is not None, name


@pytest.mark.parametrize(
    "given",
    [
        signed_up("c1", name="李雷", school="南京大学", email="li@example.com", phone="+86 138 0000 0000"),
        signed_up("c1", time="2026-12-31T23:59:59.123456-05:00"),
        signed_up("c1", time="2026-01-30T00:00:00Z") | {"subject": "s", "traceparent": "00-ab"},
        event("offer.extended", candidate="c", offer="1", employer="e", position="P",
              expires_at="2026-08-31T09:00:00Z"),
        event("benefit.paid", candidate="c1", benefit="b", kind="insurance", amount=12.5, currency="CNY"),
    ],
)  # fmt: skip
def test_usual_facts_are_recognised(given: Event):
    assert sure_moment(given) is not None
    assert validate_event(given).event == given


@pytest.mark.parametrize("extension", [{"Bad": 1}, {"note": "a\x7f"}, {"n": 2**31}, {"n": {"a": 1}}, {"n": [None]}])
def test_extensions_are_looked_at_all_the_same(extension: dict[str, Any]):
    with pytest.raises(InvalidFact):
        validate_event(signed_up("c1") | extension)


def test_so_many_extensions_are_no_typo():
    with pytest.raises(InvalidFact, match="keys"):
        validate_event(signed_up("c1") | {f"k{number}": 1 for number in range(MAX_KEYS)})
