"""What is a fact and what is none: each refusal by name, all at once, and nothing else for any bytes at all."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.catalogue import CATALOGUE
from schemas.cloudevents import from_kafka
from schemas.errors import InvalidFact
from schemas.facts import Fact, build_fact, parse_json, validate_event
from schemas.openapi import example_event
from tests.facts import event, signed_up, target
from tests.strategies import Event, events, json_values

ODD = json_values()
BENEFIT = {"candidate": "c1", "benefit": "b1", "kind": "rent_subsidy"}


def refusals(given: Any) -> dict[str, str]:
    """Field → message of each thing that is wrong with an event."""
    with pytest.raises(InvalidFact) as caught:
        validate_event(given)
    return {error.field: error.message for error in caught.value.errors}


def without(given: Event, name: str) -> Event:
    return {key: value for key, value in given.items() if key != name}


@pytest.mark.parametrize(
    ("given", "field", "says"),
    [
        # the envelope
        (without(signed_up("c1"), "time"), "time", "required"),
        (without(signed_up("c1"), "id"), "id", "required"),
        (without(signed_up("c1"), "source"), "source", "required"),
        (without(signed_up("c1"), "data"), "data", "required"),
        (without(signed_up("c1"), "type"), "type", "required"),
        (without(signed_up("c1"), "specversion"), "specversion", "required"),
        (signed_up("c1") | {"specversion": "0.3"}, "specversion", "1.0"),
        (signed_up("c1") | {"id": ""}, "id", "at least 1"),
        (signed_up("c1") | {"id": "x" * 201}, "id", "at most 200"),
        (signed_up("c1") | {"id": 7}, "id", "string"),
        (signed_up("c1") | {"id": None}, "id", "required"),
        (signed_up("c1") | {"id": " x"}, "id", "space"),
        (signed_up("c1") | {"source": "/hr huayou"}, "source", "URI-reference"),
        (signed_up("c1") | {"source": "x" * 201}, "source", "at most 200"),
        (signed_up("c1") | {"type": "candidate.signedup"}, "type", "did you mean 'candidate.signed_up'"),
        (signed_up("c1") | {"type": "nothing.like.it"}, "type", "unknown type"),
        (signed_up("c1") | {"data": [1]}, "data", "dictionary"),
        (signed_up("c1") | {"datacontenttype": "text/xml"}, "datacontenttype", "application/json"),
        (signed_up("c1") | {"subjekt_1": "x"}, "subjekt_1", "unknown attribute; did you mean 'subject'"),
        (signed_up("c1") | {"traceparent": {"a": 1}}, "traceparent", "string, a boolean or an integer"),
        (signed_up("c1") | {"sequence": 2**31}, "sequence", "32 bits"),
        (signed_up("c1") | {"sequence": -(2**31) - 1}, "sequence", "32 bits"),
        (signed_up("c1") | {"note": "a\x00"}, "note", "control characters"),
        # times and days
        (signed_up("c1", time="2026-03-08T09:30:00"), "time", "offset"),
        (signed_up("c1", time="2026-03-08"), "time", "date-time"),
        (signed_up("c1", time="2026-02-30T09:30:00Z"), "time", "exists"),
        (signed_up("c1", time="2026-03-08T25:30:00Z"), "time", "exists"),
        (signed_up("c1", time="2026-03-08T09:30:00+25:00"), "time", "exists"),
        (signed_up("c1", time="1492-10-12T09:30:00Z"), "time", "1900"),
        (signed_up("c1", time="２026-03-08T09:30:00Z"), "time", "date-time"),
        (event("hire.started", candidate="c1", employer="e", started_on="2026-02-30"), "data.started_on", "exists"),
        (event("hire.started", candidate="c1", employer="e", started_on="yesterday"), "data.started_on", "date such"),
        (event("hire.started", candidate="c1", employer="e", started_on=20260701), "data.started_on", "string"),
        # numbers
        (event("benefit.paid", **BENEFIT, amount=-1), "data.amount", "greater than or equal to 0"),
        (event("benefit.paid", **BENEFIT, amount=float("inf")), "data.amount", "less than or equal"),
        (event("benefit.paid", **BENEFIT, amount=float("nan")), "data.amount", ""),
        (event("benefit.paid", **BENEFIT, amount="12"), "data.amount", "number"),
        (event("benefit.paid", **BENEFIT, amount=True), "data.amount", "number"),
        (event("benefit.paid", **BENEFIT, currency="yuan"), "data.currency", "pattern"),
        (target("t", goal=0), "data.goal", "greater than or equal to 1"),
        (target("t", goal=0.5), "data.goal", "greater than or equal to 1"),
        (target("t", goal=2.5), "data", "whole number"),
        (target("t", goal=10**16), "data.goal", "less than or equal"),
        # where
        (target("t", "signed_up", where={"employer": ["e"]}), "data", "where.employer says nothing about signed_up"),
        (target("t", "attended", where={"employer": ["e"]}), "data", "where.employer says nothing about attended"),
        (target("t", "fairs_held", where={"school": ["s"]}), "data", "where.school says nothing about fairs"),
        (target("t", where={"shool": ["s"]}), "data.where.shool.[key]", "school"),
        (target("t", where={"school": []}), "data.where.school", "at least 1"),
        (target("t", where={"school": "s"}), "data.where.school", "list"),
        (target("t", measure="hires"), "data.measure", "hired"),
        # texts
        (signed_up("c1", name="a\x1b[2J"), "data.name", "U+001B at 1"),
        (signed_up("c1", name="a\ud800"), "data.name", "surrogates"),
        (signed_up("c1", name=""), "data.name", "at least 1"),
        (signed_up("c1", name="x" * 501), "data.name", "at most 500"),
        (signed_up("c" * 201), "data.candidate", "at most 200"),
        (signed_up("c1", campaign="a\nb"), "data.campaign", "control characters"),
        (signed_up("c1", email="not an address"), "data.email", "e-mail address"),
        (signed_up("c1", email="li@example.com\r\nBcc: x@y.z"), "data.email", "e-mail address"),
        (signed_up("c1", phone="call me"), "data.phone", "telephone"),
        (signed_up("c1", locale="fr"), "data.locale", "zh-CN"),
        (signed_up("c1", consent="yes"), "data.consent", "boolean"),
        (signed_up("c1", graduation_year="2026"), "data.graduation_year", "integer"),
        (event("candidate.withdrew", candidate="c1", reason="a\x00"), "data.reason", "control characters"),
        (event("fair.scheduled", fair="f", title="F", mode="onsite", starts_at="2026-03-14T09:00:00Z",
               ends_at="2026-03-14T08:00:00Z"), "data", "before starts_at"),
        (event("fair.scheduled", fair="f", title="F", mode="online", starts_at="2026-03-14T09:00:00Z",
               ends_at="2026-03-14T10:00:00Z", url="javascript:alert(1)"), "data.url", "http or https"),
        (event("campaign.opened", title="T", organizer="O", starts_on="2026-02-01", ends_on="2026-01-01"),
         "data", "before starts_on"),
        (event("campaign.opened", title="T", organizer="O", starts_on="2026-01-01", ends_on="2026-02-01",
               timezone="Mars/Olympus"), "data.timezone", "time zone"),
        (target("t", where={"school": [True]}), "data.where.school.0", "valid string, or should be a valid integer"),
        (event("benefit.paid", **BENEFIT, amount=10**400), "data.amount", ""),
        # keys
        (signed_up("c1", **{"function-x": 1}), "data.function-x", "unknown key"),
        (signed_up("c1", emial="li@example.com"), "data.emial", "unknown key; did you mean 'email'"),
        (signed_up("c1", emial=None), "data.emial", "unknown key; did you mean 'email'"),
        (signed_up("c1") | {"Subject": None}, "Subject", "unknown attribute; did you mean 'subject'"),
        (signed_up("c1", **{"x\ud800": 1}), "data.x\\ud800", "unknown key"),
        (event("candidate.checked_in", candidate="c1"), "data.fair", "required"),
        (event("candidate.checked_in", candidate="c1", fair=None), "data.fair", "required"),
    ],
)  # fmt: skip
def test_each_refusal_names_its_field(given: Event, field: str, says: str):
    found = refusals(given)
    assert list(found) == [field]
    assert says in found[field]


def test_every_error_is_told_at_once():
    found = refusals(
        {
            "specversion": "1.0",
            "id": "x" * 201,
            "source": "",
            "type": "target.set",
            "time": "2026-03-08T09:30:00",
            "Bad": 1,
            "data": {"campaign": "", "target": "t", "measure": "hired", "goal": 0, "due_on": "soon", "titel": "T"},
        }
    )
    assert set(found) == {
        "id", "source", "time", "Bad", "data.campaign", "data.goal", "data.due_on", "data.titel", "data.title",
    }  # fmt: skip


@pytest.mark.parametrize(
    "raw",
    [b"", b"{", b"[]", b'"x"', b"null", b"1", b"NaN", b"\xff\xfe", b"{}" * 2, b"[" * 200_000, b"9" * 10_000,
     b'{"data": NaN}', b"\x00", b"\xef\xbb\xbf{}", '{"id": "\ud800"}'.encode("utf-8", "surrogatepass")],
)  # fmt: skip
def test_what_is_no_event_at_all_is_refused(raw: bytes):
    with pytest.raises(InvalidFact):
        validate_event(parse_json(raw))


def test_thousands_of_unknown_keys_are_one_error():
    many = {f"k{number}": 1 for number in range(10_000)}
    assert refusals(signed_up("c1", **many)) == {"data": "has 10003 keys; a fact has 200 at most"}
    assert refusals(signed_up("c1") | many) == {"": "has 10007 keys; a fact has 200 at most"}
    assert len(refusals(signed_up("c1", **dict(list(many.items())[:197])))) == 197


def test_a_refusal_carries_the_id_and_messages_that_can_be_printed():
    with pytest.raises(InvalidFact) as caught:
        validate_event(signed_up("c1", id="e-1", **{"\x1b[2J": 1}))
    assert caught.value.id == "e-1"
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("row", CATALOGUE.values(), ids=lambda row: row.name)
def test_every_example_is_valid(row: Any):
    fact = validate_event(example_event(row))
    assert (fact.type, fact.campaign) == (row.name, "grads-2026")
    assert row.meaning
    assert row.meaning_zh


def test_null_means_left_out_and_extensions_are_kept():
    fact = validate_event(signed_up("c1", email=None) | {"subject": None, "traceparent": "00-ab", "partition": 3})
    assert "email" not in fact.data
    assert {"traceparent": "00-ab", "partition": 3}.items() <= fact.event.items()
    assert "subject" not in fact.event


def test_validating_leaves_what_was_given_as_it_was():
    given = signed_up("c1", email=None)
    before = json.dumps(given)
    validate_event(given)
    assert json.dumps(given) == before


@pytest.mark.parametrize("name", CATALOGUE)
@settings(max_examples=max(20, settings().max_examples // 20))
@given(data=st.data())
def test_what_is_valid_stays_the_same_through_json(name: str, data: st.DataObject):
    given = data.draw(events([name]))
    fact = validate_event(parse_json(json.dumps(given).encode()))
    assert fact == build_fact(parse_json(json.dumps(fact.event, ensure_ascii=False).encode()))
    assert fact.event == given
    assert fact.time.utcoffset() is not None
    assert fact.identity == (given["source"], given["id"])


@given(st.binary() | json_values().map(lambda value: json.dumps(value).encode()))
def test_any_bytes_are_a_fact_or_an_invalid_fact(raw: bytes):
    answered(lambda: validate_event(parse_json(raw)))
    answered(lambda: validate_event(from_kafka(raw, [("content-type", b"application/cloudevents+json")])))


@given(events(), st.data())
def test_a_damaged_event_is_a_fact_or_an_invalid_fact(given: Event, data: st.DataObject):
    raw = json.dumps(given, ensure_ascii=data.draw(st.booleans())).encode()
    start = data.draw(st.integers(0, len(raw)))
    damaged = raw[:start] + data.draw(st.binary(max_size=4)) + raw[data.draw(st.integers(start, len(raw))) :]
    answered(lambda: validate_event(parse_json(damaged)))


@given(events(), st.data())
def test_an_event_with_something_odd_in_it_is_a_fact_or_an_invalid_fact(given: Event, data: st.DataObject):
    names = st.sampled_from([*given, "data_base64", "extra"])
    changed = given | data.draw(st.dictionaries(names, ODD, max_size=2))
    if isinstance(changed.get("data"), dict):
        inner = st.sampled_from([*given["data"], "x"])
        changed["data"] = changed["data"] | data.draw(st.dictionaries(inner, ODD, max_size=2))
    answered(lambda: validate_event(changed))
    answered(lambda: validate_event(from_kafka(json.dumps(changed).encode(), [])))


@given(st.lists(st.tuples(st.sampled_from(["ce_specversion", "ce_id", "ce_type", "content-type", "x"]), st.binary())))
def test_any_headers_are_a_fact_or_an_invalid_fact(headers: list[tuple[str, bytes]]):
    answered(lambda: validate_event(from_kafka(b"{}", headers)))


def answered(read: Callable[[], Fact]) -> None:
    """It gives a Fact that can be stored, or InvalidFact with what is wrong; any other exception fails the test."""
    try:
        fact = read()
    except InvalidFact as error:
        refused = error
    else:
        assert "\\u0000" not in json.dumps(fact.event, allow_nan=False)
        json.dumps(fact.event, ensure_ascii=False).encode()
        return
    assert refused.errors
    assert str(refused).encode()
