"""The pure core imports schemas, itself and the standard library: what no list of forbidden packages can promise."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import streams.domain

CORE = sorted(Path(streams.domain.__file__).parent.glob("*.py"))


@pytest.mark.parametrize("path", CORE, ids=lambda path: path.stem)
def test_the_core_imports_nothing_else(path: Path):
    strange = {name for name in imported(path) if not allowed(name)}
    assert strange == set()


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            yield node.module or ""


def allowed(name: str) -> bool:
    return name.split(".", maxsplit=1)[0] in {"schemas", *sys.stdlib_module_names} or name.startswith("streams.domain.")
