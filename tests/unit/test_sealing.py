"""Sealing: what was said comes back with the key, and nothing without it."""

from __future__ import annotations

import json
import secrets
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.access import CONSOLE
from schemas.errors import CannotOpen
from schemas.facts import build_fact, validate_event
from schemas.forms import UNDO_UNTIL
from schemas.sealed import SEALED, compared, seal_of
from storage.vault.sealing import personal, seal, unseal
from tests.facts import event
from tests.strategies import Event, events

KEY, OTHER = bytes(32), bytes([1] * 32)
TERMS = ("salary",)
SIGNUP = event("candidate.signed_up", candidate="c1", name="李思雨", email="li@example.com", school="武汉理工大学")


def sealed(said: Event, key: bytes = KEY, life: int = 1) -> Event:
    return seal(said, key, life, secrets.token_bytes)


@given(events())
def test_what_was_said_comes_back_and_who_it_was_about_stays(said: Event):
    hidden = sealed(said)
    assert unseal(hidden, KEY) == said
    assert personal(hidden) == []
    assert build_fact(hidden).identity == build_fact(said).identity
    assert build_fact(hidden).key == build_fact(said).key


@given(events(["candidate.signed_up"]), st.binary(min_size=32, max_size=32))
def test_another_key_opens_nothing(said: Event, key: bytes):
    with pytest.raises(CannotOpen):
        unseal(sealed(said, b"\1" + key[1:]), b"\2" + key[1:])


def test_no_personal_byte_is_left():
    said = {**SIGNUP, "subject": "Li Siyu", "traceparent": "of Li Siyu"}
    hidden = sealed(said)
    text = json.dumps(hidden, ensure_ascii=False)
    assert not any(value in text for value in ("李思雨", "li@example.com", "Li Siyu"))
    assert hidden["data"]["school"] == "武汉理工大学"
    held = seal_of(hidden)
    assert held is not None
    assert held.names == ("name", "email", "@subject", "@traceparent")


def test_the_same_is_never_sealed_alike():
    assert sealed(SIGNUP)[SEALED] != sealed(SIGNUP)[SEALED]


def test_the_same_terms_are_known_again_and_tell_nobody_what_they_are():
    terms = {"candidate": "c1", "offer": "o1", "employer": "e", "position": "p", "salary": "12,000"}
    one, same = (sealed(event("offer.extended", **terms)) for _ in range(2))
    other = sealed(event("offer.extended", **terms | {"salary": "13,000"}))
    assert compared(one, TERMS) == compared(same, TERMS) != compared(other, TERMS)
    assert compared(sealed(event("offer.extended", **terms), OTHER), TERMS) != compared(one, TERMS)
    assert "12,000" not in json.dumps(one)
    again = seal(unseal(one, KEY), OTHER, 2, secrets.token_bytes, seal_of(one))
    assert compared(again, TERMS) == compared(one, TERMS)
    assert unseal(again, OTHER) == unseal(one, KEY)


def test_what_is_nobody_s_is_left_as_it_is():
    said = event("candidate.checked_in", candidate="c1", fair="f1")
    assert sealed(said) is said


def test_our_own_forms_attribute_stays_and_another_s_does_not():
    until = {UNDO_UNTIL: "2026-03-08T09:00:40Z"}
    assert UNDO_UNTIL in sealed({**SIGNUP, "source": CONSOLE, **until})
    assert UNDO_UNTIL not in sealed({**SIGNUP, **until})


@pytest.mark.parametrize(
    "change",
    [
        {"source": "/hr/other"},
        {"id": "other"},
        {"type": "candidate.withdrew"},
        {"data": {**SIGNUP["data"], "candidate": "c2"}},
        {"data": {**SIGNUP["data"], "campaign": "other"}},
    ],
)
def test_what_is_sealed_belongs_to_one_fact_of_one_person(change: dict[str, Any]):
    with pytest.raises(CannotOpen):
        unseal(sealed(SIGNUP) | change, KEY)


def test_nor_into_another_life():
    hidden = sealed(SIGNUP)
    with pytest.raises(CannotOpen):
        unseal({**hidden, SEALED: hidden[SEALED].replace("1.1.", "1.2.", 1)}, KEY)


@pytest.mark.parametrize("text", ["", "1", "2.1.name.AAAA", "1.x.name.AAAA", "1.1.name.", "1.1.name.!!!!", 7, True])
def test_what_we_did_not_make_is_told_so(text: object):
    with pytest.raises(CannotOpen):
        unseal({**SIGNUP, SEALED: text}, KEY)


def test_it_is_a_cloudevent_all_the_same():
    hidden = sealed(event("candidate.withdrew", candidate="c1", reason="went abroad"))
    assert validate_event(hidden).event == hidden


def test_whoever_accepts_facts_seals_them():
    """The ledger takes what it is given: all who accept facts go by `storage.vault.accepting`."""
    root = Path(__file__).parents[2]
    packages = ("producers", "streams", "notifications", "dashboard", "yinfeng")
    straight = [
        str(path.relative_to(root))
        for package in packages
        for path in (root / package).rglob("*.py")
        if "ledger.append" in path.read_text(encoding="utf-8")
    ]
    assert straight == []
