"""A process's pulse is read by others as it was written last, whatever stood there before."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from producers.kafka import LISTENS_WITHIN
from yinfeng import pulse
from yinfeng.kafka_admin import LESS_PATIENCE
from yinfeng.pulse import STILL_AFTER, Pulse, read_beat, standstill


@pytest.fixture(autouse=True)
def _each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pulse, "EVERY", 0.0)


@pytest.mark.parametrize("before", [None, "the database", "数据库" * 2000, '"\\\n\x01' * 500])
def test_the_last_word_counts(tmp_path: Path, before: str | None):
    path = tmp_path / "run" / "worker.pulse"
    beats = Pulse(path)
    beats(before)
    assert (mark := read_beat(path)) is not None
    assert (mark.waits_for or "") == (before or "")[: pulse.MOST_SAID]
    beats(None)
    assert (mark := read_beat(path)) is not None
    assert (mark.pid, mark.waits_for) == (os.getpid(), None)
    assert standstill(path) is None


def test_no_other_file_takes_its_place(tmp_path: Path):
    """That would wait for the disk."""
    path = tmp_path / "worker.pulse"
    beats = Pulse(path)
    beats(None)
    first = path.stat().st_ino
    beats("the database")
    assert path.stat().st_ino == first
    assert [each.name for each in tmp_path.iterdir()] == ["worker.pulse"]


def test_where_nothing_can_be_written_it_is_silent(tmp_path: Path):
    (tmp_path / "taken").write_text("")
    Pulse(tmp_path / "taken" / "worker.pulse")(None)
    assert standstill(tmp_path / "taken" / "worker.pulse") == "has no pulse"


def test_a_broker_that_is_slow_over_each_answer_lets_nobody_who_asks_for_a_topic_stand_still():
    """It listens, lets itself be asked, tells of itself, of the topic, and what that takes: each at the last moment."""
    assert LISTENS_WITHIN + 4 * LESS_PATIENCE < STILL_AFTER
