"""What is pure imports schemas, itself and the standard library: what no list of forbidden packages can promise."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import notifications.rules
import streams.domain

PURE = {"streams.domain": streams.domain, "notifications.rules": notifications.rules}
MODULES = [(name, path) for name, room in PURE.items() for path in sorted(Path(room.__path__[0]).glob("*.py"))]


@pytest.mark.parametrize(("room", "path"), MODULES, ids=lambda given: getattr(given, "stem", given))
def test_what_is_pure_imports_nothing_else(room: str, path: Path):
    strange = {name for name in imported(path) if not allowed(name, room)}
    assert strange == set()


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            yield node.module or ""


def allowed(name: str, room: str) -> bool:
    return name.split(".", maxsplit=1)[0] in {"schemas", *sys.stdlib_module_names} or name.startswith(f"{room}.")
