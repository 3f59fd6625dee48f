"""By what a person is found, and what is looked for: pure.

A name is found by each of its Chinese characters and each two that stand together, and by how it reads in Latin
letters: from the beginning of any syllable or word on (`lisiyu`, `siyu`), and by the first letters (`lsy`). The
beginnings that stand in the index are of few lengths; what they let through is looked at once more (see
storage/journeys/narrowing.py). Telephone numbers and addresses are found whole, by keyed hashes.
"""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import msgspec

from schemas.journey import Journey
from schemas.keyed import KeyedDigest

BEGINNINGS: Final = (2, 4, 7, 11)  # letters
MOST_SYLLABLES: Final = 12
MOST_WORDS: Final = 8
MOST_LETTERS: Final = 40
_DIGEST: Final = 12  # bytes
_SHORTEST_NUMBER: Final = 5
_CHINESE: Final = re.compile("[\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]+")
_WORD: Final = re.compile(r"[^\W_]+")
_NUMBER: Final = re.compile(r"\+?[0-9 ()./-]+", re.ASCII)
# Characters that read otherwise as a surname.
_SURNAMES: Final[Mapping[str, str]] = {
    "单": "shan", "仇": "qiu", "曾": "zeng", "解": "xie", "查": "zha", "区": "ou", "盖": "ge", "朴": "piao",
    "缪": "miao", "翟": "zhai", "员": "yun", "种": "chong", "覃": "qin", "乐": "yue", "冼": "xian", "尉迟": "yu chi",
}  # fmt: skip


Graduated = tuple[str | None, int | None]  # from which school, in which year; None: not known


class FoundBy(msgspec.Struct, frozen=True, gc=False):
    """What the vault keeps for searching. `sought`: characters and beginnings; `phone`, `email` and
    `namesake`: keyed hashes."""

    pinyin: str | None = None
    initials: str | None = None
    sought: tuple[str, ...] = ()
    phone: str | None = None
    email: str | None = None
    namesake: str | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody types to find a person: the whole of it, and its Chinese and its other words."""

    text: str
    chinese: tuple[str, ...] = ()
    words: tuple[str, ...] = ()

    @property
    def sought(self) -> list[str]:
        """What must stand in `FoundBy.sought`."""
        found = [each for word in self.chinese for each in (_pairs(word) or [word])]
        return found + [longest for word in self.words if (longest := _longest(word))]

    @property
    def beginnings(self) -> list[str]:
        """Patterns for `FoundBy.pinyin`, one a word: from the beginning of a syllable on, whatever was left between."""
        return ["(^| )" + " ?".join(word) for word in self.words]


def found_by(profile: Mapping[str, Any], key: KeyedDigest | None, graduated: Graduated = (None, None)) -> FoundBy:
    """By what a person of this profile is found; `key`: the campaign's, for the hashes."""
    name = folded(str(profile.get("name") or ""))
    syllables = _syllables(name)[:MOST_SYLLABLES]
    return FoundBy(
        " ".join(syllables) or None,
        "".join(each[0] for each in syllables) or None,
        tuple(sorted({*_characters(name), *_beginnings(syllables)})),
        _hash(key, "phone", digits(str(profile["phone"]))) if profile.get("phone") else None,
        _hash(key, "email", str(profile["email"]).lower()) if profile.get("email") else None,
        _namesake(key, name, *graduated),
    )


def graduation(journey: Journey) -> Graduated:
    """Where the candidate of this journey graduated."""
    school, year = journey.attributes.get("school"), journey.attributes.get("graduation_year")
    return str(school.value) if school else None, int(year.value) if year else None


def _namesake(key: KeyedDigest | None, name: str, school: str | None, year: int | None) -> str | None:
    """The same for who has the same name, school and year of graduation, however they are spaced; None where one of
    them is not known."""
    if year is None or not school:
        return None
    words = ["".join(_WORD.findall(each)) for each in (name, folded(school))]
    return _hash(key, "namesake", "\n".join([*words, str(year)])) if all(words) else None


def asked(text: str) -> Asked:
    """What this asks for, by name."""
    given = folded(text)
    parts = [part[:MOST_LETTERS] for word in _WORD.findall(given) for part in _runs(word)][:MOST_WORDS]
    chinese = tuple(part for part in parts if _CHINESE.fullmatch(part))
    return Asked(text.strip(), chinese, tuple(_letters(part) for part in parts if part not in chinese))


def hash_asked(text: str, key: KeyedDigest | None) -> tuple[str, str] | None:
    """Which column of hashes this asks for, and what must stand there; None for what is no address and no number."""
    given = unicodedata.normalize("NFKC", text).strip()
    if "@" in given:
        told = ("email", given.lower())
    elif _NUMBER.fullmatch(given) and len(digits(given)) >= _SHORTEST_NUMBER:
        told = ("phone", digits(given))
    else:
        return None
    return told[0], _hash(key, *told) or ""


def folded(name: str) -> str:
    """Without what people type one way or another: width, case, accents."""
    if name.isascii():
        return name.lower()
    spread = unicodedata.normalize("NFKD", name.casefold())
    return unicodedata.normalize("NFC", "".join(each for each in spread if not unicodedata.combining(each)))


def digits(phone: str) -> str:
    """A telephone number as all write it: without China's prefix, which some leave out."""
    found = re.sub(r"\D", "", unicodedata.normalize("NFKC", phone), flags=re.ASCII).removeprefix("00")
    return found[2:] if len(found) == 13 and found.startswith("86") else found


def _hash(key: KeyedDigest | None, kind: str, value: str) -> str | None:
    return key(f"yinfeng.search:{kind}:{value}".encode())[:_DIGEST].hex() if key else None


def _characters(name: str) -> Iterable[str]:
    if name.isascii():
        return ()
    run = "".join(_CHINESE.findall(name))
    return [*run, *_pairs(run)]


def _pairs(run: str) -> list[str]:
    return [run[at : at + 2] for at in range(len(run) - 1)]


def _beginnings(syllables: list[str]) -> Iterable[str]:
    found: list[str] = []
    letters = initials = ""
    for syllable in reversed(syllables):
        letters, initials = syllable + letters, syllable[0] + initials
        found += [letters[:length] for length in BEGINNINGS if len(letters) >= length]
        found += [initials[:length] for length in BEGINNINGS if len(initials) >= length]
    return found


def _longest(word: str) -> str | None:
    """The longest beginning of a word that would be in the index."""
    return next((word[:length] for length in reversed(BEGINNINGS) if len(word) >= length), None)


def _syllables(name: str) -> list[str]:
    found: list[str] = []
    for word in _WORD.findall(name):
        for run in _runs(word) if not word.isascii() else (word,):
            found += _read(run, first=not found) if _CHINESE.match(run) else [_letters(run)]
    return found


def _read(run: str, *, first: bool) -> list[str]:
    surname = next((run[:size] for size in (2, 1) if run[:size] in _SURNAMES), "") if first else ""
    return [*_SURNAMES.get(surname, "").split(), *map(_pinyin, run[len(surname) :])]


@lru_cache(maxsize=20_000)
def _pinyin(character: str) -> str:
    os.environ.setdefault("PYPINYIN_NO_PHRASES", "true")  # names are none, and they take 45 MB
    from pypinyin import lazy_pinyin  # noqa: PLC0415 - its dictionary is much to load for who only reads

    return _letters(folded(lazy_pinyin(character, v_to_u=True)[0]))


def _letters(word: str) -> str:
    """Who has no ü types v."""
    return word.replace("lv", "lu").replace("nv", "nu") if "v" in word else word


def _runs(word: str) -> list[str]:
    """A word's Chinese and other parts, in their order."""
    found, at = [], 0
    for run in _CHINESE.finditer(word):
        found += [word[at : run.start()], run[0]]
        at = run.end()
    return [part for part in (*found, word[at:]) if part]
