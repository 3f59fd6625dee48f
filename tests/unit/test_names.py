"""One name for one thing: no two types of ours are called the same."""

from __future__ import annotations

import ast
from collections import defaultdict
from pathlib import Path

PACKAGES = ("schemas", "storage", "producers", "streams", "notifications", "dashboard", "yinfeng")
ROOT = Path(__file__).parents[2]


def test_no_two_types_have_one_name():
    found: defaultdict[str, list[str]] = defaultdict(list)
    for package in PACKAGES:
        for file in (ROOT / package).rglob("*.py"):
            for node in ast.parse(file.read_text(encoding="utf-8")).body:
                if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                    found[node.name].append(str(file.relative_to(ROOT)))
    assert {name: files for name, files in found.items() if len(files) > 1} == {}
