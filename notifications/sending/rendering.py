"""A message's template and values become a subject, HTML and text. Templates are compiled once.

There is one template for each kind and language, and HR's own in its place where a campaign has one. It is rendered
twice with the same values: with the macros and the layout for HTML (escaped), then with those for text, so that both
say the same.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from jinja2 import Template, TemplateError

from notifications.sending.budget import refill
from notifications.sending.compiling import Compiled, Compiler
from notifications.sending.template_parts import default_parts, source
from schemas.errors import SendRefused
from schemas.kinds import TEMPLATED
from schemas.messages import Parts

LOCALES: Final = ("zh-CN", "en")
Fill = Callable[[Template, Mapping[str, Any]], str]
MOST_OWN: Final = 256  # templates of HR's that are kept compiled
LONGEST: Final = 200_000  # characters of a mail by HR's own template


@dataclass(frozen=True, slots=True)
class Rendered:
    """A message as it will be read."""

    subject: str
    html: str
    text: str


class Renderer:
    """Renders every kind in every language; making one compiles all templates."""

    def __init__(self) -> None:
        compiler = Compiler(sandboxed=False)
        self._defaults = {
            (kind, locale): compiler.compile(source(default_parts(kind, locale)), locale)
            for kind in TEMPLATED
            for locale in LOCALES
        }
        self._sandbox = Compiler(sandboxed=True)
        self._own: OrderedDict[tuple[Parts, str], Compiled] = OrderedDict()

    def render(self, kind: str, locale: str, values: Mapping[str, Any], own: Parts | None = None) -> Rendered:
        """The mail, by HR's `own` template where there is one. Raises SendRefused, naming the variable, when the
        template asks for one that isn't there."""
        refill()
        try:
            if own is None:
                return _rendered(self._defaults[kind, locale], values, Template.render)
            return _rendered(self._compiled(own, locale), values, _bounded)
        except (TemplateError, TypeError, ValueError, OverflowError) as error:
            raise SendRefused(f"the template {locale}/{kind} can't be filled: {error}") from None

    def _compiled(self, own: Parts, locale: str) -> Compiled:
        key = (own, locale)
        if key not in self._own:
            self._own[key] = self._sandbox.compile(source(own), locale)
        self._own.move_to_end(key)
        if len(self._own) > MOST_OWN:
            self._own.popitem(last=False)
        return self._own[key]


def _rendered(template: Compiled, values: Mapping[str, Any], fill: Fill) -> Rendered:
    text = template.text
    subject = "".join(text.blocks["subject"](text.new_context(dict(values))))
    return Rendered(" ".join(subject.split()), fill(template.html, values), _tidied(fill(text, values)))


def _bounded(template: Template, values: Mapping[str, Any]) -> str:
    """Filled piece by piece: what would have no end is broken off early. (Loops are never within a piece.)"""
    pieces, left = [], LONGEST
    for piece in template.generate(values):
        pieces.append(piece)
        left -= len(piece)
        if left < 0:
            raise ValueError(f"it makes a mail of more than {LONGEST} characters")
    return "".join(pieces)


def _tidied(text: str) -> str:
    """No spaces at the ends of lines, and no more than one empty line in a row."""
    lines: list[str] = []
    for line in map(str.strip, text.strip().splitlines()):
        if line or (lines and lines[-1]):
            lines.append(line)
    return "\n".join(lines) + "\n"
