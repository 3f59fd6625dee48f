"""What is said to people, in every language: gettext catalogues, read by Babel when they are first asked for.

A package that says something has a catalogue beside its code for each language but English, such as `zh_CN.po`. An
entry's msgctxt is the key by which code and templates ask for it, its msgid the English, its msgstr the translation;
what differs by a count has a msgid_plural, and a msgstr for each form. English stands in the catalogue of `SOURCE`
alone. A catalogue that lacks a translation, or marks it fuzzy, leaves it English.

An entry without a msgctxt is a sentence that is kept in English: see `schemas/sentences.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from gettext import c2py
from importlib import resources
from typing import Final, Literal, get_args

from babel.core import Locale
from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po

Lang = Literal["en", "zh-CN"]
LANGS: Final[tuple[Lang, ...]] = get_args(Lang)
TRANSLATED: Final[tuple[Lang, ...]] = tuple(lang for lang in LANGS if lang != "en")
SOURCE: Final[Lang] = "zh-CN"  # whose catalogues hold the English too


@dataclass(frozen=True, slots=True)
class Plural:
    """A text that differs by a count: its `forms`, and `which` of them a count takes."""

    forms: tuple[str, ...]
    which: Callable[[int], int]


Wording = str | Plural


class Texts:
    """The texts of one package or of several, by language and key."""

    def __init__(self, by_lang: Mapping[str, Mapping[str, Wording]]) -> None:
        self._by_lang = by_lang

    def __call__(self, lang: str, key: str, count: int | None = None, /, **values: object) -> str:
        """A text, its `{name}`s filled in; `count` for one that has plural forms. Raises KeyError for a key that there
        is not, and TypeError for a count where there is no plural, or none where there is one."""
        found = self.found(lang, key)
        if isinstance(found, Plural) is (count is None):
            raise TypeError(f"the text {key} {'needs a' if count is None else 'has no'} count")
        text = found.forms[found.which(count or 0)] if isinstance(found, Plural) else found
        return text.format(**values) if values else text

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_lang["en"])

    def __contains__(self, key: str) -> bool:
        return key in self._by_lang["en"]

    def found(self, lang: str, key: str) -> Wording:
        """A text as it stands in its catalogue."""
        return self._by_lang[lang][key]

    def forms(self, lang: str, key: str) -> tuple[str, ...]:
        """All that a key may say: one text, or its plural forms."""
        found = self.found(lang, key)
        return found.forms if isinstance(found, Plural) else (found,)


@cache
def texts_of(*packages: str) -> Texts:
    """The texts of these packages together. Raises ValueError when two have the same key."""
    merged: dict[str, dict[str, Wording]] = {lang: {} for lang in LANGS}
    for package in packages:
        catalogues = {lang: catalogue(package, lang) for lang in TRANSLATED}
        english = {str(each.context): _english(each) for each in _keyed(catalogues[SOURCE])}
        if twice := merged["en"].keys() & english:
            raise ValueError(f"{package} has a text of the same name as another: {', '.join(sorted(twice))}")
        merged["en"] |= english
        for lang, found in catalogues.items():
            merged[lang] |= english | _translated(found)
    return Texts(merged)


@cache
def own_names() -> dict[Lang, str]:
    """What each language calls itself: English, 中文."""
    return {lang: str(Locale.parse(lang, sep="-").get_language_name()) for lang in LANGS}


def catalogue(package: str, lang: Lang) -> Catalog:
    """A package's catalogue of a language. Raises FileNotFoundError, and PoFileError for one that can't be read."""
    name = f"{lang.replace('-', '_')}.po"
    with (resources.files(package) / name).open("rb") as file:
        return read_po(file, lang.replace("-", "_"), abort_invalid=True)


def _keyed(catalogue: Catalog) -> Iterator[Message]:
    return (message for message in catalogue if message.id and message.context)


def _english(message: Message) -> Wording:
    return message.id if isinstance(message.id, str) else Plural(tuple(message.id), c2py("n != 1"))


def _translated(catalogue: Catalog) -> dict[str, Wording]:
    """What the catalogue has a translation of, by key."""
    which, found = c2py(catalogue.plural_expr), {}
    for message in _keyed(catalogue):
        forms = (message.string,) if isinstance(message.string, str) else tuple(message.string or ())
        if forms and all(forms) and not message.fuzzy:
            found[str(message.context)] = Plural(forms, which) if message.pluralizable else forms[0]
    return found
