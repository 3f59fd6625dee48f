"""A mail made of a skeleton is the one that is filled whole, whatever a person's words are."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from jinja2 import Template

from notifications.sending.filling import Rendered, filled
from notifications.sending.rendering import LOCALES
from notifications.sending.skeletons import LINKS, MOST, WORDS, Skeletons
from schemas.kinds import TEMPLATED
from schemas.messages import Written, as_json
from tests.renderer import RENDERER
from tests.unit.test_authoring import sampled

ODD = st.sampled_from(
    [
        "",
        " ",
        " a",
        "a ",
        "a  b",
        "a\nb",
        "\u2028",
        "<b>&'\"",
        "{{ name }}",
        "\ue0000\ue001",
        "a\x1cb",
        "李 思雨",
        "\x85",
    ]
)
FEWER = 5  # examples of each of sixty mails: all are made of skeletons in one way
NAMES = ODD | st.text(max_size=20)
ADDRESSES = st.text(max_size=20).map("https://park.example/{}".format) | st.sampled_from(
    ["javascript:alert(1)", "HTTPS://park.example", "https://", "https://\ue0001\ue001", "", "mailto:a@b.example"]
)


def whole(kind: str, locale: str, values: Mapping[str, Any]) -> Rendered:
    return filled(RENDERER._compiled(kind, locale), values, Template.render)


def with_words(values: Mapping[str, Any], words: Mapping[str, str]) -> dict[str, Any]:
    """Each word in its place, where there is something."""
    changed = deepcopy(dict(values))
    for path, word in words.items():
        outer, _, name = path.rpartition(".")
        within = changed.get(outer) if outer else changed
        if within and within.get(name) is not None:
            within[name] = word
    return changed


def words_of(values: Mapping[str, Any]) -> dict[str, st.SearchStrategy[str]]:
    """What a person's words may be, by their places: those alone where this mail has something."""
    places = {**dict.fromkeys(WORDS, NAMES), **dict.fromkeys(LINKS, ADDRESSES)}
    return {path: words for path, words in places.items() if with_words(values, {path: "changed"}) != values}


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("kind", TEMPLATED)
def test_it_is_the_same_mail(kind: str, locale: str):
    values = sampled(kind, locale).values
    places = words_of(values)

    @settings(max_examples=settings().max_examples // FEWER)
    @given(st.lists(st.fixed_dictionaries(places), min_size=2, max_size=5))
    @example([dict.fromkeys(places, "https://park.example/<1>"), dict.fromkeys(places, "https://b.c")])
    def is_the_same(people: list[dict[str, str]]) -> None:
        skeletons = Skeletons()
        for words in people:
            theirs = with_words(values, words)
            made = skeletons.fill(kind, locale, theirs, lambda values: whole(kind, locale, values))
            assert made == whole(kind, locale, theirs)
            assert made.written in (None, Written(as_json(made.html), as_json(made.text)))

    is_the_same()


def test_offers_on_different_terms_share_a_skeleton():
    skeletons, values, made = Skeletons(), sampled("offer").values, 0

    def filling(values: Mapping[str, Any]) -> Rendered:
        nonlocal made
        made += 1
        return whole("offer", "en", values)

    for number in range(3):
        words = {"offer.position": f"position {number}", "offer.employer": f"employer {number}", "name": f"Li {number}"}
        skeletons.fill("offer", "en", with_words(values, words), filling)
    assert made == 1


@pytest.mark.parametrize("odd", ["\ue0009\ue001", "\ue0000\ue001", "https://\ue0005\ue001", "\ue000"])
def test_marks_in_what_mails_share_are_text(odd: str):
    skeletons, values = Skeletons(), dict(sampled("offer").values)
    values["campaign"] = {**values["campaign"], "title": odd}
    for name in ("Li", "Wang"):
        theirs = {**values, "name": name}
        made = skeletons.fill("offer", "en", theirs, lambda values: whole("offer", "en", values))
        assert made == whole("offer", "en", theirs)


def test_threads_may_fill_at_once(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("notifications.sending.skeletons.MOST", 1)
    skeletons, interval = Skeletons(), sys.getswitchinterval()

    def work(nth: int) -> None:
        for number in range(3000):
            kind = f"{nth}.{number % 2}"
            made = skeletons.fill(kind, "en", {"name": kind}, lambda values: Rendered(values["name"], "", ""))
            assert made.subject == kind

    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(4) as threads:
            for done in [threads.submit(work, nth) for nth in range(4)]:
                done.result()
    finally:
        sys.setswitchinterval(interval)


def test_what_mails_share_is_filled_once():
    skeletons, values, count = Skeletons(), sampled("offer").values, 0

    def fill(values: Mapping[str, Any]) -> Rendered:
        nonlocal count
        count += 1
        return whole("offer", "en", values)

    for number in range(3):
        assert f"Person {number}" in skeletons.fill("offer", "en", {**values, "name": f"Person {number}"}, fill).text
    assert count == 1
    for number in range(MOST + 10):
        skeletons.fill("offer", "en", {**values, "campaign": {**values["campaign"], "title": f"t{number}"}}, fill)
    assert len(skeletons._kept) == MOST
