"""A child that goes on from its supervisor is as alone as a program that was started, and as easily ended."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from yinfeng.forking import can_fork

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere children are started by their commands")


def start(what: str, folder: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.unit.forking_driver", what, str(folder)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def run(what: str, folder: Path) -> tuple[int, str, str]:
    """Its exit code, what it said last, and the child's log."""
    said, _ = (process := start(what, folder)).communicate(timeout=30)
    return process.returncode, said.splitlines()[-1] if said else "", log(folder)


def log(folder: Path) -> str:
    return path.read_text() if (path := folder / "part.log").exists() else ""


def test_it_has_its_own_session_surroundings_and_log_and_none_of_our_files(tmp_path: Path):
    assert run("plain", tmp_path) == (7, "ended with exit code 7", "before so None\nafter alone\n")


@pytest.mark.parametrize("what", ["mute", "full"])
def test_it_starts_and_logs_though_nobody_hears_its_parent(tmp_path: Path, what: str):
    code, _, said = run(what, tmp_path)
    assert code % 256 in (7, 120)  # 120: the parent's own last words could not be written
    assert said.endswith("before so None\nafter alone\n")


def test_its_end_is_noticed_though_the_system_keeps_no_word_of_it(tmp_path: Path):
    """As `subprocess` has it: no child is left, so it ended, and how is not known."""
    assert run("unreaped", tmp_path)[:2] == (0, "ended with exit code 0")


def test_what_it_raises_is_in_its_log(tmp_path: Path):
    code, _, said = run("fails", tmp_path)
    assert code == 1
    assert "ValueError: it is broken" in said


def test_what_it_raises_names_nobody_there(tmp_path: Path):
    _, _, said = run("tells", tmp_path)
    assert "ValueError: no letter to [address]" in said
    assert "in part" in said


def test_what_people_are_to_mend_is_said_in_plain_words(tmp_path: Path):
    code, _, said = run("refused", tmp_path)
    assert (code, said) == (1, "before so None\nyinfeng: YINFENG_KAFKA names no server\n")


def test_it_ends_when_it_is_asked_whatever_its_parent_does_with_the_signal(tmp_path: Path):
    code, ended, _ = run("hangs", tmp_path)
    assert (code, ended) == (256 - 15, "ended by SIGTERM")


def test_a_start_after_the_first_is_the_commands(tmp_path: Path):
    code, _, said = run("again", tmp_path)
    assert code == 0
    assert said.endswith("by its command\n")


def test_one_whose_parent_was_killed_goes_no_further(tmp_path: Path):
    parent = start("orphan", tmp_path)
    assert parent.stdout
    child = psutil.Process(int(parent.stdout.readline()))
    assert child.is_running()
    parent.kill()
    parent.wait()
    parent.stdout.close()
    psutil.wait_procs([child], timeout=20)
    assert not child.is_running()
    assert "after" not in log(tmp_path)


def test_a_process_with_threads_forks_nobody(tmp_path: Path):
    assert run("threads", tmp_path)[0] == 0
    assert isinstance(can_fork(), bool)


APART = """
import os, sys
from schemas.errors import ConfigurationError, YinfengError
from yinfeng.forking import apart

def refuse():
    raise ConfigurationError("the database is of a later version")

apart(lambda: __import__("sqlite3"))
print("sqlite3" in sys.modules)
for work in (refuse, lambda: os._exit(3)):
    try:
        apart(work)
    except YinfengError as error:
        print(type(error).__name__, error)
"""


def test_what_is_done_apart_leaves_nothing_here_but_its_error():
    said = subprocess.run([sys.executable, "-c", APART], check=True, capture_output=True, text=True).stdout
    assert said.splitlines() == [
        "False",
        "ConfigurationError the database is of a later version",
        "YinfengError a step of the start came to no end: it ended with 3",
    ]
