"""Pages drawn from templates that an earlier process compiled are the same, whatever became of what it kept."""

from __future__ import annotations

from pathlib import Path

import pytest
from fastapi import Request
from jinja2.bccache import bc_magic

from dashboard.access.cookies import Cookies
from yinfeng.web import pages
from yinfeng.web.pages import make_page

REQUEST = {"type": "http", "method": "GET", "path": "/", "query_string": b"", "headers": [], "server": ("x", 80)}


def drawn(kept: Path | None) -> bytes:
    """A page of a process of its own."""
    page = make_page(Cookies(secure=False), kept)
    return bytes(page(Request(REQUEST), "error.html", {"status": 404, "why": None}).body)


def test_what_was_compiled_is_kept_and_draws_the_same(tmp_path: Path):
    kept = tmp_path / "home" / "templates"
    assert drawn(kept) == drawn(None)
    assert {path.name for path in kept.iterdir()}
    assert kept.stat().st_mode & 0o077 == 0
    for path in kept.iterdir():
        assert not path.stat().st_mode & 0o077
    assert drawn(kept) == drawn(None)


@pytest.mark.parametrize("left", [0, 1, len(bc_magic), len(bc_magic) + 1, len(bc_magic) + 9, -40])
def test_what_is_damaged_is_compiled_anew(tmp_path: Path, left: int):
    drawn(tmp_path)
    whole = {path: path.read_bytes() for path in tmp_path.iterdir()}
    for path, kept in whole.items():
        path.write_bytes(kept[:left])
    assert drawn(tmp_path) == drawn(None)
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == whole


def test_what_another_version_of_jinja_compiled_is_compiled_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    drawn(tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    monkeypatch.setattr(pages, "JINJA", "another")
    assert drawn(tmp_path) == drawn(None)
    assert all(path.read_bytes() != before[path.name] for path in tmp_path.iterdir())


@pytest.mark.parametrize("place", ["file/templates", "/proc/none"])
def test_where_nothing_can_be_kept_pages_are_drawn_all_the_same(tmp_path: Path, place: str):
    (tmp_path / "file").touch()
    assert drawn(tmp_path / place) == drawn(None)
