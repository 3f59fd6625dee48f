"""Settings come from outside: what can't be right is refused at the start, by its name, and secrets are not shown."""

from __future__ import annotations

import pytest

from schemas.errors import ConfigurationError
from schemas.settings import load_settings

WRONG = [
    ("MAIL_FROM", "HR <hr@park.example>"),
    ("MAIL_FROM", "nobody"),
    ("HR_EMAIL", "a@park.example,b@park.example"),
    ("SENDGRID_HOST", "api.sendgrid.com"),
    ("SENDGRID_HOST", "ftp://api.sendgrid.com"),
    ("SENDGRID_API_KEY", "SG.one\nSG.two"),
    ("SENDGRID_API_KEY", "SG.密钥"),
    ("SENDGRID_TIMEOUT", "0"),
    ("IMAP_URL", "imaps://mail.park.example"),
    ("IMAP_URL", "smtps://bounces:SG.secret@mail.park.example"),
    ("IMAP_FOLDER", 'IN"BOX'),
    ("PUBLIC_URL", "javascript:alert(1)"),
    ("PORT", "70000"),
    ("KAFKA", "localhost"),
    ("DATABASE_URL", "mysql://x"),
]


@pytest.mark.parametrize(("name", "value"), WRONG)
def test_a_wrong_setting_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str):
    monkeypatch.setenv(f"YINFENG_{name}", value)
    with pytest.raises(ConfigurationError) as refusal:
        load_settings()
    assert f"YINFENG_{name}: " in str(refusal.value)
    assert "SG." not in str(refusal.value)


@pytest.mark.parametrize(
    "name", ["HR_EMAIL", "MAIL_FROM", "PUBLIC_URL", "SENDGRID_API_KEY", "SENDGRID_HOST", "KAFKA", "PORT"]
)
def test_an_empty_variable_is_an_unset_one(monkeypatch: pytest.MonkeyPatch, name: str):
    monkeypatch.delenv(f"YINFENG_{name}", raising=False)
    unset = load_settings()
    monkeypatch.setenv(f"YINFENG_{name}", "")
    assert load_settings() == unset


def test_what_is_copied_with_a_line_end_or_a_slash_is_taken_without(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("YINFENG_SENDGRID_API_KEY", "SG.one\n")
    monkeypatch.setenv("YINFENG_SENDGRID_HOST", "https://api.eu.sendgrid.com/")
    found = load_settings()
    assert found.sendgrid_api_key is not None
    assert found.sendgrid_api_key.get_secret_value() == "SG.one"
    assert found.sendgrid_host == "https://api.eu.sendgrid.com"
    assert "SG.one" not in repr(found)
