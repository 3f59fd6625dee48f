"""What whoever keeps the master key must do: the file, and a key service."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from schemas.errors import CannotOpen, ConfigurationError
from storage.vault.master import FileMaster, make_master
from tests.stand_ins.key_service import KeyService

KEY, LI, HAN = b"k" * 32, b"li", b"han"


@pytest.fixture(params=["file", "service"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], Any]:
    """Makes one that knows nothing of the others."""
    count = iter(range(100))

    def make_one() -> Any:
        if request.param == "service":
            return KeyService()
        path = tmp_path / str(next(count)) / "master.key"
        assert make_master(path)
        return FileMaster(path)

    return make_one


def test_what_was_wrapped_is_unwrapped(make: Callable[[], Any]):
    master = make()
    wrapped = master.wrap(KEY, LI)
    assert wrapped.startswith(f"{master.current}:")
    assert "k" * 32 not in wrapped
    assert master.unwrap(wrapped, LI) == KEY


def test_the_same_is_never_wrapped_alike(make: Callable[[], Any]):
    master = make()
    assert master.wrap(KEY, LI) != master.wrap(KEY, LI)


def test_many_are_wrapped_each_for_whom_it_is_and_in_their_order(make: Callable[[], Any]):
    master, other = make(), b"h" * 32
    assert master.wrap_all([]) == []
    one, two = master.wrap_all(iter([(KEY, LI), (other, HAN)]))
    assert (master.unwrap(one, LI), master.unwrap(two, HAN)) == (KEY, other)
    assert one.startswith(f"{master.current}:")


def test_a_key_is_one_person_s(make: Callable[[], Any]):
    master = make()
    with pytest.raises(CannotOpen):
        master.unwrap(master.wrap(KEY, LI), HAN)


@pytest.mark.parametrize("harm", [lambda w: w[:-4] + "AAAA", lambda w: w[:-8], lambda w: w.partition(":")[0] + ":"])
def test_what_was_changed_is_not_unwrapped(make: Callable[[], Any], harm: Callable[[str], str]):
    master = make()
    with pytest.raises(CannotOpen):
        master.unwrap(harm(master.wrap(KEY, LI)), LI)


def test_another_master_says_that_it_does_not_know_the_key(make: Callable[[], Any]):
    wrapped = make().wrap(KEY, LI)
    with pytest.raises(ConfigurationError, match=wrapped.partition(":")[0]):
        make().unwrap(wrapped, LI)


def test_after_a_rotation_the_old_is_read_and_the_new_is_used(make: Callable[[], Any]):
    master = make()
    before, wrapped = master.current, master.wrap(KEY, LI)
    assert master.rotate() == master.current != before
    assert master.unwrap(wrapped, LI) == KEY
    assert master.wrap(KEY, LI).startswith(f"{master.current}:")
    assert master.wrap_all([(KEY, LI)])[0].startswith(f"{master.current}:")


class TestFile:
    def test_it_is_its_owner_s_alone(self, tmp_path: Path):
        path = tmp_path / "master.key"
        make_master(path)
        assert path.stat().st_mode & 0o777 == 0o600
        assert [each.name for each in tmp_path.iterdir()] == ["master.key"]

    def test_it_is_never_made_over(self, tmp_path: Path):
        path = tmp_path / "master.key"
        make_master(path)
        before = path.read_text()
        assert not make_master(path)
        assert path.read_text() == before

    def test_another_process_sees_a_rotation(self, tmp_path: Path):
        path = tmp_path / "master.key"
        make_master(path)
        here, there = FileMaster(path), FileMaster(path)
        here.rotate()
        assert there.current == here.current
        assert there.unwrap(here.wrap(KEY, LI), LI) == KEY

    def test_the_one_before_the_last_goes(self, tmp_path: Path):
        path = tmp_path / "master.key"
        make_master(path)
        master = FileMaster(path)
        wrapped = master.wrap(KEY, LI)
        master.rotate()
        master.rotate()
        with pytest.raises(ConfigurationError, match="put back the file"):
            master.unwrap(wrapped, LI)

    @pytest.mark.parametrize("content", ["", "# nothing\n", "abcd\n", "abcd !!!\n", "abcd c2hvcnQ=\n", "\xff\n"])
    def test_a_damaged_file_is_told_so(self, tmp_path: Path, content: str):
        path = tmp_path / "master.key"
        path.write_text(content)
        path.chmod(0o600)
        with pytest.raises(ConfigurationError, match="damaged"):
            FileMaster(path)

    def test_a_missing_file_is_told_so(self, tmp_path: Path):
        with pytest.raises(ConfigurationError, match=r"YINFENG_MASTER_KEY_FILE"):
            FileMaster(tmp_path / "master.key")

    def test_a_file_that_others_may_read_is_refused(self, tmp_path: Path):
        path = tmp_path / "master.key"
        make_master(path)
        path.chmod(0o640)
        with pytest.raises(ConfigurationError, match="chmod 600"):
            FileMaster(path)
