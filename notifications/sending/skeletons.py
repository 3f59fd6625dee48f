"""Our own templates filled quickly: what mails of one kind share is filled once, with marks where one person's words
come; then each person's words are put in their places. Pure.

A mail made so is the same, letter by letter, as one that is filled whole. Where a word could make it another (odd white
space, characters of the marks, an address that is none of the web), the mail is filled whole.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from threading import Lock
from typing import Any, Final

import msgspec
from markupsafe import escape

from notifications.sending.filling import Rendered
from schemas.messages import Written, as_json

MOST: Final = 256  # skeletons that are kept
# Where one person's words stand among the values: text that our templates only show, or leave out where there is none,
# and addresses of the web.
WORDS: Final = (
    "name",
    *(f"offer.{name}" for name in ("employer", "position", "city", "salary", "place", "contact", "papers")),
    *(f"{about}.{name}" for about in ("interview", "hire") for name in ("employer", "position")),
)
LINKS: Final = ("own_page", "answer", "calendar", "unsubscribe", "ticket.url")
_OPEN, _CLOSE = "\ue000", "\ue001"  # of no writing
_OPEN_BYTES: Final = _OPEN.encode()
_MARK: Final = re.compile(f"(?:https://)?{_OPEN}([0-9]+){_CLOSE}")
_ADDRESS: Final = ("https://", "http://")
_SPECIAL: Final = re.compile("[&<>\"']")

FillWhole = Callable[[Mapping[str, Any]], Rendered]


@dataclass(frozen=True, slots=True)
class Pieces:
    """Texts, with room for a word between any two; `places`: where there is room, and the number of the word that
    comes there; `written`: the texts as JSON has them."""

    texts: list[str]
    places: list[tuple[int, int]]
    written: list[bytes]

    def with_words(self, words: list[str]) -> str:
        """The whole."""
        whole = self.texts.copy()
        for place, number in self.places:
            whole[place] = words[number]
        return "".join(whole)

    def written_with(self, words: list[bytes]) -> bytes:
        """The whole as JSON has it, of words that are written so."""
        whole = self.written.copy()
        for place, number in self.places:
            whole[place] = words[number]
        return b"".join(whole)


@dataclass(frozen=True, slots=True)
class Skeleton:
    """A mail in pieces."""

    subject: Pieces
    html: Pieces
    text: Pieces

    def filled(self, words: list[str]) -> Rendered:
        """The mail of the person whose words these are."""
        escaped = [str(escape(word)) for word in words] if _SPECIAL.search("".join(words)) else words
        plain = [as_json(word) if word else b"" for word in words]
        within_html = plain if escaped is words else list(map(as_json, escaped))
        return Rendered(
            self.subject.with_words(words),
            self.html.with_words(escaped),
            self.text.with_words(words),
            Written(self.html.written_with(within_html), self.text.written_with(plain)),
        )


class Skeletons:
    """Those that were needed last, for several threads."""

    def __init__(self) -> None:
        self._kept, self._lock = OrderedDict[bytes, Skeleton](), Lock()

    def fill(self, kind: str, locale: str, values: Mapping[str, Any], fill: FillWhole) -> Rendered:
        """The mail of this kind in this language; `fill` makes one whole."""
        try:
            marked, words, marks = _marked(values)
            key = _encode((kind, locale, marked))
        except (TypeError, ValueError, OverflowError):
            return fill(values)
        if key.count(_OPEN_BYTES) != marks:  # what is shared has characters of marks in it
            return fill(values)
        return self._skeleton(key, marked, fill).filled(words)

    def _skeleton(self, key: bytes, marked: Mapping[str, Any], fill: FillWhole) -> Skeleton:
        with self._lock:
            if (skeleton := self._kept.get(key)) is not None:
                self._kept.move_to_end(key)
                return skeleton
        made = fill(marked)
        skeleton = Skeleton(*map(_pieces, (made.subject, made.html, made.text)))
        with self._lock:
            self._kept[key] = skeleton
            if len(self._kept) > MOST:
                self._kept.popitem(last=False)
        return skeleton


def _marked(values: Mapping[str, Any]) -> tuple[dict[str, Any], list[str], int]:
    """The values with a mark in the place of each word that is there, the words, and how many marks these are. Raises
    ValueError where one can't stand in the place of its mark."""
    marked, words, marks = dict(values), [""] * _COUNT, 0
    for outer, places in _PLACES.items():
        if outer and not marked.get(outer):
            continue
        within = dict(marked[outer]) if outer else marked
        for number, name, mark in places:
            word = within.get(name)
            if not isinstance(word, str):
                continue
            if not _is_plain(word) or (mark[0] != _OPEN and not word.startswith(_ADDRESS)):
                raise ValueError(name)
            words[number], within[name] = word, mark
            marks += 1
        if outer:
            marked[outer] = within
    return marked, words, marks


def _is_plain(word: str) -> bool:
    """Whether it stands on one line as it is, and has no character of marks in it, which aren't printable either."""
    return word != "" and word.isprintable() and "  " not in word and word[0] != " " and word[-1] != " "


def _pieces(made: str) -> Pieces:
    found = _MARK.split(made)
    places = [(place, int(found[place])) for place in range(1, len(found), 2)]
    return Pieces(found, places, list(map(as_json, found)))


_encode: Final = msgspec.msgpack.Encoder().encode


def _places() -> dict[str, list[tuple[int, str, str]]]:
    """By the value within which they stand, or none: the number of each word, under which name it stands, its mark."""
    found: dict[str, list[tuple[int, str, str]]] = {}
    for number, path in enumerate((*WORDS, *LINKS)):
        outer, _, name = path.rpartition(".")
        mark = f"{'https://' if path in LINKS else ''}{_OPEN}{number}{_CLOSE}"
        found.setdefault(outer, []).append((number, name, mark))
    return found


_PLACES: Final = _places()
_COUNT: Final = len(WORDS) + len(LINKS)
