"""Words and bytes under persons' keys: opened by whom they are of, in the life in which they were sealed."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import CannotOpen
from storage.ledger.ledger import JourneyKey
from storage.vault.keeping import GONE, PLATFORM, SEALED_BYTES, SEALED_WORDS, Keeper, is_sealed
from storage.vault.keys import PersonKey

LI, WANG = ("c", "li"), ("c", "wang")


def keeper(**lives: int) -> Keeper:
    """With the keys of these persons; life 0: destroyed."""
    keys: dict[JourneyKey, PersonKey] = {PLATFORM: PersonKey(1, b"p" * 32)}
    for name, life in lives.items():
        keys["c", name] = PersonKey(life or 2, f"{name}{life}".encode().ljust(32, b"k") if life else None)
    return Keeper(keys, os.urandom)


@given(st.binary(max_size=200), st.text(min_size=1, max_size=200))
def test_what_was_sealed_is_opened_and_tells_nothing(data: bytes, words: str):
    held = keeper(li=1)
    sealed, text = held.seal(LI, "file", data), held.seal_words(LI, "reason", words)
    assert sealed is not None
    assert text is not None
    assert is_sealed(sealed)
    assert text.startswith(SEALED_WORDS)
    assert (held.open(LI, "file", sealed), held.open_words(LI, "reason", text)) == (data, words)
    assert len(data) < 4 or data not in sealed.removeprefix(SEALED_BYTES)


@pytest.mark.parametrize(("whose", "purpose"), [(WANG, "file"), (LI, "reader")])
def test_it_can_be_moved_to_no_other_person_or_place(whose: JourneyKey, purpose: str):
    held = keeper(li=1, wang=1)
    sealed = held.seal(LI, "file", b"Li")
    assert sealed is not None
    with pytest.raises(CannotOpen):
        held.open(whose, purpose, sealed)


@pytest.mark.parametrize("life", [0, 2, 3])
def test_with_another_life_it_is_gone(life: int):
    before, after = keeper(li=1), keeper(li=life)
    sealed, text = before.seal(LI, "file", b"Li"), before.seal_words(LI, "reason", "Li")
    assert sealed is not None
    assert after.open(LI, "file", sealed) is None
    assert after.open_words(LI, "reason", text) is None
    assert after.open_words(LI, "reason", f"can't be written: {text}") == f"can't be written: {GONE}"


def test_an_erased_person_seals_nothing():
    held = keeper(li=0)
    assert held.seal(LI, "file", b"Li") is None
    assert held.seal_words(LI, "reason", "Li") is None
    assert held.seal_together("c", ["li"], b"Li") is None


def test_what_is_in_the_clear_is_read_as_it_is():
    held = keeper(li=1)
    assert held.open(LI, "file", b"%PDF-") == b"%PDF-"
    assert held.open_words(LI, "reason", "no address") == "no address"
    assert held.open_words(LI, "reason", None) is None


def test_a_key_that_never_was_is_an_error():
    text = keeper(li=1).seal_words(LI, "reason", "Li")
    with pytest.raises(CannotOpen):
        keeper().open_words(LI, "reason", text)


def test_what_tells_of_two_is_gone_with_either():
    kept = keeper(li=1, wang=1).seal_together("c", ["wang", "li"], b"both")
    assert kept is not None
    sealed, lives = kept
    assert keeper(li=1, wang=1).open_together("c", lives, sealed) == b"both"
    for gone in (keeper(li=0, wang=1), keeper(li=1, wang=2)):
        assert gone.open_together("c", lives, sealed) is None


def test_digests_are_one_for_all_ways_to_write_an_address_and_need_the_key():
    held = keeper()
    assert held.address("Li@Example.com") == held.address("li@example.com") != held.address("wang@example.com")
    other = Keeper({PLATFORM: PersonKey(1, b"q" * 32)}, os.urandom)
    assert held.address("li@example.com") != other.address("li@example.com")
    assert held.domain("Example.com") == held.domain("example.com")
