"""The documents say what the code does."""

from __future__ import annotations

import re
from pathlib import Path
from types import ModuleType

import pytest

from docs import facts, messages
from schemas.settings import Settings
from yinfeng.cli import COMMANDS, GROUPS

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md")])
_LINK = re.compile(r"\]\(([^)#\s]+)(#[^)]*)?\)")


@pytest.mark.parametrize("drawn", [facts, messages])
def test_what_is_drawn_from_the_code_is_of_today(drawn: ModuleType):
    assert drawn.PAGE.read_text(encoding="utf-8") == drawn.page(), "run `make docs`"


@pytest.mark.parametrize("document", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(document: Path):
    targets = [target for target, _ in _LINK.findall(document.read_text(encoding="utf-8")) if "://" not in target]
    missing = [target for target in targets if not (document.parent / target).exists()]
    assert not missing


def test_every_setting_is_in_the_operations_page():
    said = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    assert not [name for name in Settings.model_fields if f"YINFENG_{name.upper()}" not in said]


def test_every_command_is_in_the_operations_page():
    said = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    assert not [name for name in [*COMMANDS, *GROUPS] if f"`yinfeng {name}" not in said]


def test_every_dependency_has_its_reason():
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    reasons = (ROOT / "docs" / "decisions" / "0005-dependencies.md").read_text(encoding="utf-8")
    names = re.findall(r'^    "([A-Za-z0-9-]+)(?:\[[a-z,]+\])?>=', project, re.MULTILINE)
    assert len(names) > 20
    assert not [name for name in names if f"`{name}`" not in reasons]
