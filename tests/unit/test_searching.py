"""By what a person is found: their name as it is written, read and abbreviated; numbers and addresses however typed."""

from __future__ import annotations

import hmac
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.keyed import KeyedDigest
from storage.vault.searching import Asked, FoundBy, asked, digits, found_by, hash_asked

KEY = KeyedDigest(b"k" * 32)
NAMES = [
    "李思雨",
    "欧阳娜娜",
    "尉迟恭",
    "Anna-Maria Müller",
    "吕布",
    "单雄信",
    "买买提·吐尔逊",
    "Ольга",
    "A李",
    "诸葛 亮",
]


def finds(name: str, text: str) -> bool:
    """As the database does: by what is in the index, then by a second look (see storage/journeys/people.py)."""
    person, wanted = found_by({"name": name}, None), asked(text)
    indexed = set(wanted.sought) <= set(person.sought)
    return indexed and looked_at(name, person, wanted)


def looked_at(name: str, person: FoundBy, wanted: Asked) -> bool:
    written = name.replace(" ", "").replace("·", "")
    return all(word in written for word in wanted.chinese) and all(
        re.search(pattern, person.pinyin or "") or word in (person.initials or "")
        for word, pattern in zip(wanted.words, wanted.beginnings, strict=True)
    )


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("李思雨", "李"),
        ("李思雨", "思雨"),
        ("李思雨", "李思雨"),
        ("李思雨", "lisiyu"),
        ("李思雨", "Li Siyu"),
        ("李思雨", "siyu li"),
        ("李思雨", "lis"),
        ("李思雨", "lsy"),
        ("李思雨", "sy"),
        ("李思雨", "Ｌｉ"),
        ("欧阳娜娜", "ouyangnana"),
        ("单雄信", "shan"),
        ("尉迟恭", "yuchi"),
        ("吕布", "lvbu"),
        ("吕布", "lü bu"),
        ("吕布", "lubu"),
        ("Anna-Maria Müller", "muller anna"),
        ("Anna-Maria Müller", "Müller"),
        ("Anna-Maria Müller", "amm"),
        ("买买提·吐尔逊", "买买提吐尔逊"),
        ("诸葛 亮", "诸葛亮"),
        ("Ольга", "оль"),
        ("A李", "a李"),
    ],
)
def test_a_name_is_found_by(name: str, text: str):
    assert finds(name, text)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("李思雨", "雨思"),
        ("李思雨", "isiyu"),
        ("李思雨", "lisiyuan"),
        ("李思雨", "王"),
        ("李思雨", "ly"),
        ("Ada", "adam"),
    ],
)
def test_a_name_is_not_found_by(name: str, text: str):
    assert not finds(name, text)


@given(st.sampled_from(NAMES), st.data())
def test_every_beginning_of_how_a_name_reads_finds_it(name: str, data: st.DataObject):
    """The index holds some beginnings alone; what is typed may be any."""
    syllables = (found_by({"name": name}, None).pinyin or "").split()
    whole = "".join(syllables[data.draw(st.integers(0, len(syllables) - 1)) :])
    assert finds(name, whole[: data.draw(st.integers(1, len(whole)))])


@given(st.text(max_size=60), st.text(max_size=60))
def test_whatever_a_name_is_and_whatever_is_typed(name: str, text: str):
    found = found_by({"name": name, "email": text, "phone": text}, KEY)
    assert all(found.sought)
    assert not any(" " in each for each in found.sought)
    for pattern in asked(text).beginnings:
        re.compile(pattern)
    finds(name, text)


@pytest.mark.parametrize("typed", ["13800138000", "+86 138 0013 8000", "0086-138-0013-8000", "１３８００１３８０００"])
def test_a_number_is_found_however_it_is_typed(typed: str):
    person = found_by({"phone": "138 0013 8000"}, KEY)
    assert hash_asked(typed, KEY) == ("phone", person.phone)


def test_an_address_is_found_whatever_its_case():
    assert hash_asked(" Li.Siyu@Example.com", KEY) == ("email", found_by({"email": "li.siyu@example.COM"}, KEY).email)


@pytest.mark.parametrize("typed", ["李思雨", "1234", "c1", "2026-c1"])
def test_what_is_neither_number_nor_address(typed: str):
    assert hash_asked(typed, KEY) is None


def test_hashes_are_of_their_campaign_and_their_kind():
    one, other = (
        found_by({"phone": "13800138000", "email": "13800138000"}, key) for key in (KEY, KeyedDigest(b"x" * 32))
    )
    assert len({one.phone, one.email, other.phone, other.email}) == 4


def test_hashes_are_those_that_are_stored():
    whole = hmac.digest(b"k" * 32, b"yinfeng.search:phone:13800138000", "sha256")
    assert found_by({"phone": "138 0013 8000"}, KEY).phone == whole[:12].hex()


def test_what_is_not_known_is_not_kept():
    assert found_by({}, KEY) == FoundBy()


def test_digits():
    assert digits("+86 571 8888 9999") == "8657188889999"[2:]
