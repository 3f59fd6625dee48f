"""What mails, tickets and calendars say beside their templates: the texts of this package's catalogues."""

from __future__ import annotations

from schemas.texts import texts_of


def words(locale: str, key: str, count: int | None = None, /, **values: object) -> str:
    """A text, as `schemas.texts.Texts` gives it."""
    return texts_of("notifications.sending")(locale, key, count, **values)
