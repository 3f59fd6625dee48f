"""The look at all logs of the run finds what it is there for."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.facts import signed_up
from tests.logs import telling

PERSON = {"name": "欧阳若兰", "email": "ruolan.ouyang@mail.example", "phone": "+8613900009999"}


@pytest.mark.parametrize("place", ["logs/worker.log", "log.txt", "home-12345678901.txt"])
@pytest.mark.parametrize(
    "line",
    [
        "INSERT failed: 欧阳若兰",
        "to ruolan.ouyang@mail.example: 550",
        "DETAIL: Key (phone)=(+8613900009999)",
        'body {"name": "\\u6b27\\u9633\\u82e5\\u5170"}',
        "sent to Name c-told",
    ],
)
def test_a_line_that_tells_of_somebody_is_found(tmp_path: Path, place: str, line: str):
    signed_up("c", **PERSON)
    signed_up("c-told")
    path = tmp_path / place
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"all is well\n{line}\nready\n")
    assert telling(tmp_path) == [f"{path}: {line}"]
    path.unlink()


def test_what_is_no_log_and_what_tells_of_nobody_is_passed_over(tmp_path: Path):
    signed_up("c", **PERSON)
    (tmp_path / "mailbox.txt").write_text("欧阳若兰")
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "web.log").write_text("GET /campaigns/grads-2026 200, c, 12345678901 ready\n")
    assert telling(tmp_path) == []


@pytest.mark.timeout(10)
def test_a_long_line_is_looked_through_once(tmp_path: Path):
    signed_up("c", **PERSON)
    line = f"{'A' * 1_000_000} {PERSON['email']}"
    path = tmp_path / "log.txt"
    path.write_text(line)
    assert telling(tmp_path) == [f"{path}: {line}"]
    path.unlink()
