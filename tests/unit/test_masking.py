"""What a log may not tell."""

import logging
import sys
from collections.abc import Iterator

import psycopg
import pytest

from schemas.errors import DatabaseUnavailable
from schemas.masking import masked
from yinfeng.masking import mask_logs


@pytest.fixture
def log() -> Iterator[logging.Logger]:
    before, hook = logging.getLogRecordFactory(), sys.excepthook
    mask_logs()
    mask_logs()
    yield logging.getLogger("test.masking")
    logging.setLogRecordFactory(before)
    sys.excepthook = hook


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("550 <li.siyu@example.com>: no such user", "550 <[address]>: no such user"),
        ("Key (address)=(li@example.com) already exists", "Key (address)=([address]) already exists"),
        ("call 13800138000 or +86 138-0013-8000", "call [number] or [number]"),
        ("offset 1732600000000, fact 13800138", "offset 1732600000000, fact 13800138"),
        ("postgresql://postgres@/yinfeng?host=/tmp", "postgresql://postgres@/yinfeng?host=/tmp"),
        ("思雨@例子.中国", "[address]"),
    ],
)
def test_addresses_and_numbers_are_masked(said: str, kept: str) -> None:
    assert masked(said) == kept


def test_whatever_a_record_is_made_of(log: logging.Logger, caplog: pytest.LogCaptureFixture) -> None:
    error = DatabaseUnavailable("Key (li@example.com)")
    log.error("message %d to %s: %s", 7, "li@example.com", error)
    log.error("%(who)s came %(times)d times", {"who": "li@example.com", "times": 2})
    try:
        raise error
    except DatabaseUnavailable:
        log.exception("failed")
    assert "li@" not in caplog.text
    assert "message 7 to [address]: Key ([address])" in caplog.text
    assert "[address] came 2 times" in caplog.text
    assert "DatabaseUnavailable: Key ([address])" in caplog.text


@pytest.mark.usefixtures("log")
def test_what_a_process_ends_with(capsys: pytest.CaptureFixture[str]) -> None:
    try:
        raise DatabaseUnavailable("away") from ValueError("Key (li@example.com)")
    except DatabaseUnavailable as error:
        sys.excepthook(type(error), error, error.__traceback__)
    said = capsys.readouterr().err
    assert "ValueError: Key ([address])" in said
    assert "DatabaseUnavailable: away" in said


class _Refusal(psycopg.errors.NotNullViolation):
    """As psycopg words what Postgres answers."""

    def __str__(self) -> str:
        return (
            'null value in column "life"\nDETAIL:  Failing row contains (c1, null, Li Siyu).\n'
            "CONTEXT:  JSON data, line 1: {Li Siyu"
        )


def test_the_rows_that_postgres_shows_with_an_error(log: logging.Logger, caplog: pytest.LogCaptureFixture) -> None:
    try:
        raise DatabaseUnavailable("null value") from _Refusal()
    except DatabaseUnavailable:
        log.exception("failed")
    log.error("again: %s", _Refusal())
    assert "Siyu" not in caplog.text
    assert caplog.text.count('null value in column "life"') == 2
