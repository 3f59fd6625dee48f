"""What is wrong with a template, in its author's language."""

from __future__ import annotations

from schemas.sentences import sentences_of


def fault(said: str, lang: str) -> str:
    """A fault as it is shown."""
    return sentences_of("notifications.authoring").said(said, lang) or said
