"""Nothing that people write bends a mail: every string of every kind's values is replaced by hostile text, and what is
read of the mail's bytes is what was meant."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

import pytest
from hypothesis import example, given, settings

from notifications.channels.header_text import one_line
from notifications.channels.mime import as_mime
from notifications.channels.port import Mail
from notifications.channels.sendgrid_requests import body
from tests.renderer import RENDERER
from tests.unit.test_mime import FORGED, LINES, NAMES, QUOTED, TEXT
from tests.unit.test_rendering import CASES, Reader, letter

NOW = datetime(2026, 3, 8, 9, tzinfo=UTC)
SCRIPT = '"><script>alert(1)</script><img src=x onerror=a()>'
OWN_LINKS = ("url", "image", "answer", "calendar", "unsubscribe")  # which we make, of nothing that people write


def bent(values: Any, by: Callable[[str], str], name: str = "") -> Any:
    """The values, each string that may be somebody's words replaced."""
    if isinstance(values, dict):
        return {key: bent(value, by, key) for key, value in values.items()}
    if isinstance(values, list | tuple):
        return type(values)(bent(each, by, name) for each in values)
    return by(values) if isinstance(values, str) and name not in OWN_LINKS else values


def mail_of(kind: str, locale: str, hostile: str) -> tuple[Mail, set[str]]:
    made = letter(kind, locale)
    usual = RENDERER.render(kind, locale, made.values)
    words = RENDERER.render(kind, locale, bent(made.values, lambda _: hostile))
    mail = Mail(
        1,
        kind,
        made.to,
        one_line(hostile),
        locale,
        one_line(words.subject),
        words.html,
        words.text,
        nonce="n",
        from_name=one_line(hostile),
    )
    return mail, set(Reader(usual.html).tags)


@pytest.mark.parametrize(("kind", "locale"), CASES)
@given(hostile=TEXT)
@example(FORGED)
@example(QUOTED)
@example(LINES)
@example(SCRIPT)
@settings(max_examples=15, deadline=None)
def test_no_word_of_any_kind_bends_its_mail(kind: str, locale: str, hostile: str):
    mail, tags = mail_of(kind, locale, hostile)
    assert set(Reader(mail.html).tags) <= tags
    request = body([mail], {"email": "no-reply@park.example", "name": one_line(hostile)})
    assert len(request["subject"].splitlines()) <= 1
    assert [part["to"][0]["email"] for part in request["personalizations"]] == [mail.to]
    try:
        written = as_mime(mail, sender="no-reply@park.example", sender_name=hostile, date=NOW)
    except ValueError:
        return  # refused, not bent
    found = message_from_bytes(written, policy=default)
    assert isinstance(found, EmailMessage)
    assert found.keys() == NAMES
    assert [each.addr_spec for each in found["To"].addresses] == [mail.to]
    assert "".join(str(found["Subject"]).split()) == "".join(mail.subject.split())
    assert [part.get_content_type() for part in found.iter_parts()] == ["text/plain", "text/html"]
