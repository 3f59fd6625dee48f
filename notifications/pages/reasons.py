"""Why a message stands as it does, in the reader's language. What is kept is English; a mail server's own words stay as
they are."""

from __future__ import annotations

from schemas.sentences import sentences_of


def reason(said: str, lang: str) -> str:
    """A kept reason as it is shown."""
    return sentences_of("notifications.pages").said(said, lang) or said
