"""The mails that bring one-time links. They are not kept: who reads our database must not find a link in it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from html import escape
from typing import Literal

from dashboard.languages import Lang
from schemas.texts import texts_of

MailPurpose = Literal["invitation", "reset"]


@dataclass(frozen=True, slots=True)
class AccountMail:
    """A mail, ready to go."""

    to: str
    to_name: str
    lang: Lang
    subject: str
    text: str
    html: str


# Sends a letter; whether it is certain that it went.
Post = Callable[[AccountMail], Awaitable[bool]]


def letter(purpose: MailPurpose, to: str, name: str, link: str, lang: Lang) -> AccountMail:
    """The mail with this link."""
    text = texts_of("dashboard.access")
    lead, lasts = text(lang, f"letter.{purpose}"), text(lang, f"letter.{purpose}.lasts")
    paragraphs = [text(lang, "letter.greeting", name=name), lead, link, lasts]
    shown = [f'<p><a href="{escape(each)}">{escape(each)}</a></p>' if each == link else f"<p>{escape(each)}</p>"
             for each in paragraphs]  # fmt: skip
    html = f'<!doctype html><html lang="{lang}"><meta charset="utf-8"><body>{"".join(shown)}</body></html>'
    return AccountMail(to, name, lang, text(lang, f"letter.{purpose}.subject"), "\n\n".join(paragraphs) + "\n", html)
