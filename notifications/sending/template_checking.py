"""Templates that others write are checked before they are kept: only what a mail needs, no name that there isn't.

The sandbox stops what is left, such as names with underscores. Nothing here can loop for long or grow without end: no
arithmetic, no assignments, no ranges, and loops only over what the message brings.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from typing import Any, Final

from jinja2 import Environment, TemplateSyntaxError, nodes

from notifications.sending.template_parts import MOST, expanded
from schemas.errors import FieldError
from schemas.messages import Parts

MACROS: Final = ("rows", "button", "link", "code", "bar")
FILTERS: Final = frozenset({"join", "min", "max", "first", "last", "length", "upper", "lower", "trim", "default"})
DEEPEST: Final = 2  # loops within loops
_ALLOWED: Final = (
    nodes.Template, nodes.Output, nodes.TemplateData, nodes.Name, nodes.Const, nodes.Getattr, nodes.If, nodes.For,
    nodes.Call, nodes.Concat, nodes.CondExpr, nodes.Compare, nodes.Operand, nodes.And, nodes.Or, nodes.Not,
    nodes.Filter, nodes.Tuple, nodes.List, nodes.Keyword,
)  # fmt: skip
_MACRO: Final = "m"
_PARSER: Final = Environment(trim_blocks=True, lstrip_blocks=True, autoescape=True)


def faults(parts: Parts, known: Mapping[str, Any]) -> list[FieldError]:
    """Everything that is wrong with a template, by part. `known`: the values that messages of its kind bring, such as
    the samples have; what they lack is named."""
    found = []
    for name in MOST:
        found += [FieldError(name, fault) for fault in _faults(name, getattr(parts, name), known)]
    return found


def names(values: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    """All that a template may say by name: `name`, `fair.title`."""
    for name, value in values.items():
        if isinstance(value, Mapping) and value:
            yield from names(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}"


def _faults(part: str, text: str, known: Mapping[str, Any]) -> Iterator[str]:
    if len(text) > MOST[part]:
        yield f"has {len(text)} characters; {MOST[part]} are the most"
        return
    if part == "subject" and not text.strip():
        yield "is empty; a mail needs a subject"
    try:
        tree, whole = _PARSER.parse(text), _PARSER.parse(expanded(text, "paragraph"))
    except TemplateSyntaxError as error:
        yield f"line {error.lineno}: {error.message}; put {{% if %}} and {{% endif %}} in one line, or alone in theirs"
        return
    except RecursionError:
        yield "is nested too deep"
        return
    yield from dict.fromkeys(_forbidden(tree))
    if _loops_within(tree if part == "subject" else whole, always=part == "subject"):
        yield "put {% for %} and {% endfor %} alone in their lines, not within text; a list in text is said by |join"
    yield from dict.fromkeys(_unknown(tree, known, frozenset()))


def _forbidden(tree: nodes.Template) -> Iterator[str]:
    called = {id(call.node) for call in tree.find_all(nodes.Call)}
    for node in tree.find_all(nodes.Node):
        if not isinstance(node, _ALLOWED):
            yield f"line {node.lineno}: {type(node).__name__} is not for templates"
        elif isinstance(node, nodes.Filter) and node.name not in FILTERS:
            yield f"line {node.lineno}: there is no filter {node.name!r} here; there are {', '.join(sorted(FILTERS))}"
        elif isinstance(node, nodes.Call) and not _is_macro(node.node):
            yield f"line {node.lineno}: only {', '.join(f'm.{name}' for name in MACROS)} can be called"
        elif isinstance(node, nodes.Name) and node.name == _MACRO and not _inside_a_call(tree, node, called):
            yield f"line {node.lineno}: m is called: m.button(…)"
    if _depth(tree) > DEEPEST:
        yield f"loops are {_depth(tree)} deep; {DEEPEST} are the most"


def _is_macro(node: nodes.Node) -> bool:
    is_m = isinstance(node, nodes.Getattr) and isinstance(node.node, nodes.Name) and node.node.name == _MACRO
    return is_m and node.attr in MACROS  # type: ignore[attr-defined]


def _inside_a_call(tree: nodes.Template, name: nodes.Name, called: set[int]) -> bool:
    return any(id(each) in called and each.node is name for each in tree.find_all(nodes.Getattr))


def _loops_within(tree: nodes.Template, *, always: bool) -> bool:
    """Whether there are loops within text, which could not be broken off when they make too much of it."""
    places = [tree] if always else tree.find_all(nodes.CallBlock)
    return any(place.find(nodes.For) for place in places)


def _depth(node: nodes.Node) -> int:
    below = max((_depth(child) for child in node.iter_child_nodes()), default=0)
    return below + isinstance(node, nodes.For)


def _unknown(node: nodes.Node, known: Mapping[str, Any], bound: frozenset[str]) -> Iterator[str]:
    """Names that no message of this kind brings. What a loop binds is what its list has: that is left to the trial."""
    if isinstance(node, nodes.For):
        own = {each.name for each in [node.target, *node.target.find_all(nodes.Name)] if isinstance(each, nodes.Name)}
        for child in node.iter_child_nodes():
            if child is not node.target:
                yield from _unknown(child, known, bound if child is node.iter else bound | own | {"loop"})
        return
    path = _path(node)
    if path is None:
        for child in node.iter_child_nodes():
            yield from _unknown(child, known, bound)
    elif path[0] not in bound and path[0] != _MACRO and not _leads_somewhere(path, known):
        yield _missing(path, known)


def _path(node: nodes.Node) -> list[str] | None:
    """`fair.title` as its names; None for what is no such path."""
    if isinstance(node, nodes.Name):
        return [node.name]
    if isinstance(node, nodes.Getattr):
        before = _path(node.node)
        return [*before, node.attr] if before else None
    return None


def _leads_somewhere(path: list[str], known: Any) -> bool:
    for name in path:
        if not isinstance(known, Mapping) or name not in known:
            return False
        known = known[name]
    return True


def _missing(path: list[str], known: Mapping[str, Any]) -> str:
    wanted, there = ".".join(path), list(names(known))
    near = difflib.get_close_matches(wanted, [*there, *known], n=1)
    return f"there is no {wanted}" + (f"; did you mean {near[0]}?" if near else "")
