"""Sentences that are kept in English and shown in the reader's language: reasons, faults, refusals.

In a catalogue (see `schemas/texts.py`) they are the entries without a msgctxt. What varies in one has a name in braces,
which says what it may be (see `LIKE`); a value that is itself a sentence of the catalogue is translated too. Where two
sentences fit, the longer one does.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from string import Formatter
from typing import Final

from babel.messages.catalog import Message

from schemas.texts import TRANSLATED, Lang, catalogue

LIKE: Final[dict[str, str]] = {"number": r"\d+", "word": r"\w+", "day": r"\d{4}-\d{2}-\d{2}"}  # others: any text
KnownSentence = tuple[re.Pattern[str], str]


class Sentences:
    """The sentences of one package: by language, what each is like and how it is said, the longest first."""

    def __init__(self, by_lang: Mapping[str, list[KnownSentence]]) -> None:
        self._by_lang = by_lang

    def said(self, sentence: str, lang: str) -> str | None:
        """The sentence as it is shown in a language; None where nobody has translated it."""
        if lang == "en":
            return sentence
        for like, translated in self._by_lang[lang]:
            if found := like.fullmatch(sentence):
                values = {name: self._value(value, lang) for name, value in found.groupdict().items()}
                return translated.format(**values)
        return None

    def _value(self, value: str, lang: str) -> str:
        known = (translated for like, translated in self._by_lang[lang] if not like.groups and like.fullmatch(value))
        return next(known, value)


@cache
def sentences_of(package: str) -> Sentences:
    """The sentences in a package's catalogues."""
    return Sentences({lang: _known(package, lang) for lang in TRANSLATED})


def pattern(sentence: str) -> re.Pattern[str]:
    """What is like this sentence, its names groups of the pattern."""
    parts = [
        re.escape(literal) + (f"(?P<{name}>{LIKE.get(name, '.*?')})" if name is not None else "")
        for literal, name, _, _ in Formatter().parse(sentence)
    ]
    return re.compile("".join(parts), re.DOTALL)


def _known(package: str, lang: Lang) -> list[KnownSentence]:
    messages = [each for each in catalogue(package, lang) if each.id and not each.context]
    messages.sort(key=_weight, reverse=True)
    return [(pattern(str(each.id)), str(each.string)) for each in messages if each.string and not each.fuzzy]


def _weight(message: Message) -> int:
    """How many letters of a sentence are its own."""
    return sum(len(literal) for literal, _, _, _ in Formatter().parse(str(message.id)))
