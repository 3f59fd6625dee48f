"""What people read before they agree, with its version: the page shows these words, and the fact keeps them.

Change the words in a catalogue (`consent.…` in `schemas/*.po`), change the version: what somebody agreed to is what
they read.
"""

from __future__ import annotations

from typing import Final

from schemas.texts import texts_of

VERSION: Final = "2026-11"
ABOUT: Final = ("employers", "employers_of_all", "marketing", "keeping", "abroad")


def words(lang: str) -> dict[str, str]:
    """What is read, by what it is about."""
    text = texts_of("schemas")
    return {about: text(lang, f"consent.{about}") for about in ABOUT}


def read(about: str, lang: str) -> str:
    """What a fact says was read."""
    return f"{about} {VERSION} {lang}: {words(lang)[about]}"
