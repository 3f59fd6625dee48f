"""Facts that are sealed for the platform by who has no key of a person."""

from __future__ import annotations

import os
from typing import Any

import msgspec
import pytest
from hypothesis import given

from schemas.errors import CannotOpen, ConfigurationError
from schemas.facts import validate_event
from schemas.sealed import SEALED
from storage.vault.entry import EntryKey, EntryOpener, EntrySealer, public_of
from storage.vault.sealing import personal, with_parts
from tests.facts import event, signed_up
from tests.strategies import Event, events

PRIVATE = bytes(range(32))
KEY = public_of(PRIVATE)
SAID = {**signed_up("c1", name="李思雨", email="li@example.com", education="doctor"), "subject": "Of Li"}


def opener(**more: bytes) -> EntryOpener:
    return EntryOpener({KEY.id: PRIVATE, **more})


@given(events())
def test_what_is_sealed_is_a_fact_that_tells_nothing_and_opens_to_what_was_said(said: Event):
    sealed = EntrySealer(KEY, os.urandom).seal(said)
    validate_event(dict(sealed))
    assert [name for name in personal(sealed) if name != f"@{SEALED}"] == []
    assert (sealed == said) is (personal(said) == [])
    if SEALED in sealed:
        assert opener().open(sealed) == said


def test_a_batch_has_one_ephemeral_key_and_no_two_have_the_same():
    sealer = EntrySealer(KEY, os.urandom)
    heads = [sealer.seal(SAID)[SEALED].rpartition(".")[2][:42] for _ in range(2)]
    assert heads[0] == heads[1]
    assert EntrySealer(KEY, os.urandom).seal(SAID)[SEALED].rpartition(".")[2][:42] != heads[0]


@pytest.mark.parametrize(
    "change",
    [
        {"id": "another"},
        {"source": "/other"},
        {"time": "2026-03-08T09:30:00+08:00"},
        {"type": "candidate.withdrew"},
        {"data": {"campaign": "grads-2026", "candidate": "c2"}},
        {SEALED: "2.1.name.AAAA"},
        {SEALED: f"2.{KEY.id}.name.AAAA"},
        {SEALED: f"2.{KEY.id}.name.{'A' * 200}"},
        {SEALED: f"2.{KEY.id}.name.no base64!"},
    ],
)
def test_it_can_be_moved_to_no_other_fact_and_not_be_changed(change: dict[str, Any]):
    sealed = EntrySealer(KEY, os.urandom).seal(SAID)
    with pytest.raises(CannotOpen):
        opener().open({**sealed, **change})


def test_another_key_does_not_open_it_and_says_which_is_lacking():
    sealed = EntrySealer(KEY, os.urandom).seal(SAID)
    with pytest.raises(CannotOpen, match=KEY.id):
        EntryOpener({}).open(sealed)
    with pytest.raises(CannotOpen):
        EntryOpener({KEY.id: bytes(32)}).open(sealed)


@pytest.mark.parametrize(
    "inside", [{"@id": "x"}, {"@time": "x"}, {"candidate": "c2"}, {"@sealed": "x"}, {"@data": {}}, {"education": "x"}]
)
def test_who_has_the_public_key_alone_says_nothing_but_what_is_personal(
    inside: dict[str, Any], monkeypatch: pytest.MonkeyPatch
):
    """Else a fact would be another one than it was taken for."""
    monkeypatch.setattr("storage.vault.entry.personal", lambda _: list(inside))
    monkeypatch.setattr("storage.vault.entry.parts_of", lambda *_: inside)
    monkeypatch.setattr("storage.vault.entry.without", lambda event, names: dict(event))
    sealed = EntrySealer(KEY, os.urandom).seal({**SAID, "data": dict(SAID["data"])})
    monkeypatch.undo()
    with pytest.raises(CannotOpen, match="not what a fact says"):
        opener().open(sealed)


@pytest.mark.parametrize(
    "inside", [b"[]", b"no JSON", b"\xff", b'{"name": "\\ud800"}', b'{"name": ' + b"[" * 50_000 + b"]" * 50_000 + b"}"]
)
def test_whatever_bytes_are_inside_they_are_refused_and_stop_nobody(inside: bytes, monkeypatch: pytest.MonkeyPatch):
    """Who has the public key alone writes what it likes there."""
    monkeypatch.setattr("storage.vault.entry._encode", lambda said: inside if isinstance(said, dict) else encode(said))
    encode = msgspec.json.encode
    sealed = EntrySealer(KEY, os.urandom).seal(SAID)
    monkeypatch.undo()
    with pytest.raises(CannotOpen, match="what is sealed"):
        opener().open(sealed)


def test_what_is_said_of_a_key_that_is_not_here_is_short():
    with pytest.raises(CannotOpen) as refused:
        opener().open({**SAID, SEALED: f"2.{'k' * 100_000}.name.AAAA"})
    assert len(str(refused.value)) < 200


def test_a_key_is_read_as_it_is_written_and_a_slip_in_it_is_noticed():
    assert EntryKey.read(f" {KEY}\n") == KEY
    for wrong in ("", "yfk1", str(KEY)[:-1], str(KEY).replace("yfk1", "yfk2"), str(KEY)[:-2] + "AA", "yfk1.a.李"):
        with pytest.raises(ConfigurationError, match="no key to seal with"):
            EntryKey.read(wrong)


def test_a_point_of_low_order_is_no_key():
    """All that is agreed on by it is known to everybody."""
    sealed = EntrySealer(KEY, os.urandom).seal(SAID)
    head, _, contents = sealed[SEALED].rpartition(".")
    with pytest.raises(CannotOpen):
        opener().open({**sealed, SEALED: f"{head}.{'A' * 43}{contents[43:]}"})


def test_it_is_the_same_event_but_for_what_is_personal():
    sealed = EntrySealer(KEY, os.urandom).seal(SAID)
    assert "李思雨" not in msgspec.json.encode(sealed).decode()
    assert sealed["data"] == {"campaign": "grads-2026", "candidate": "c1", "education": "doctor"}
    assert with_parts({"data": {}}, {"a": 1, "@b": 2}) == {"b": 2, "data": {"a": 1}}
    assert EntrySealer(KEY, os.urandom).seal(plain := event("candidate.checked_in", candidate="c1", fair="f1")) == plain
