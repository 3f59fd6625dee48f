"""One name for one thing: no two types of ours are called the same, and no alias of a type is written down twice."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path

PACKAGES = ("schemas", "storage", "producers", "streams", "notifications", "dashboard", "yinfeng")
ROOT = Path(__file__).parents[2]

# What the front door gives to two siblings, each of which says by itself what it takes.
GIVEN = frozenset({"Page", "Show", "ShowSignup"})
SIBLINGS = frozenset({"producers", "streams", "notifications", "dashboard"})  # which never import one another


def test_no_two_types_have_one_name():
    found: defaultdict[str, list[str]] = defaultdict(list)
    for file, node in _statements():
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            found[node.name].append(file)
    assert {name: files for name, files in found.items() if len(files) > 1} == {}


def test_no_alias_of_a_type_is_written_down_twice():
    found: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)
    for file, node in _statements():
        if (alias := _alias(node)) is not None:
            found[alias[0]].append((file, alias[1]))
    assert [(name, *pair) for name, aliases in found.items() for pair in combinations(aliases, 2) if _same(*pair)] == []


def test_no_alias_is_called_as_another_thing_is():
    found: defaultdict[str, set[str]] = defaultdict(set)
    for file, node in _statements():
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            found[node.name].add(file)
        elif (alias := _alias(node)) is not None:
            found[alias[0]].add("dict[str, Any]" if alias[1] == "dict[str, Any]" else file)
    twice = {name: files for name, files in found.items() if len(files) > 1 and not _are_siblings(name, files)}
    assert twice == {}


def test_a_second_definition_is_seen_however_it_is_written():
    one, other = ("dashboard/a.py", "Callable[[Any], Caller]"), ("yinfeng/b.py", "Callable[[Request], Caller]")
    assert _same(one, other)
    assert not _same(one, ("producers/b.py", other[1]))
    assert _alias(ast.parse(f"Authenticate = {one[1]}").body[0]) == ("Authenticate", one[1])
    assert _alias(ast.parse("Number: TypeAlias = int | float").body[0]) == ("Number", "int | float")
    assert _alias(ast.parse("MOST = 3").body[0]) is None


def _statements() -> Iterator[tuple[str, ast.stmt]]:
    """Each statement at the top of a module of ours, with its file."""
    for package in PACKAGES:
        for file in (ROOT / package).rglob("*.py"):
            for node in ast.parse(file.read_text(encoding="utf-8")).body:
                yield str(file.relative_to(ROOT)), node


def _alias(node: ast.stmt) -> tuple[str, str] | None:
    """The name and the value of an alias that others could import: `Name = …`, a constant has no small letters."""
    target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
    if not isinstance(target, ast.Name) or not isinstance(node, ast.Assign | ast.AnnAssign) or node.value is None:
        return None
    named = target.id[0].isupper() and target.id != target.id.upper()
    return (target.id, ast.unparse(node.value)) if named else None


def _are_siblings(name: str, files: set[str]) -> bool:
    """Whether a name is one thing that two siblings are given from outside."""
    return name in GIVEN and {file.partition("/")[0] for file in files} <= SIBLINGS


def _same(one: tuple[str, str], other: tuple[str, str]) -> bool:
    """Whether one of them is the other written down again: the same value, or a call that differs in little. What says
    no more than that it is a dict says nothing twice, and siblings can't share what is theirs."""
    (a, said), (b, again) = one, other
    packages = {a.partition("/")[0], b.partition("/")[0]}
    if len(packages) == 2 and packages <= SIBLINGS:
        return False
    return (said == again != "dict[str, Any]") or (said.startswith("Callable") and again.startswith("Callable"))
