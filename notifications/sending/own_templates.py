"""Templates that HR wrote, filled: sandboxed, within a budget of turns, joins and characters. Runs in the process for
templates alone (`template_process.py`)."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any, Final

from jinja2 import Template, TemplateError

from notifications.sending.budget import refill
from notifications.sending.compiling import Compiled, Compiler
from notifications.sending.filling import Rendered, filled
from notifications.sending.template_parts import source
from schemas.errors import SendRefused
from schemas.messages import Parts

MOST: Final = 256  # templates that are kept compiled
LONGEST: Final = 200_000  # characters of a mail


class OwnTemplates:
    """Fills them, and keeps those compiled that were filled last."""

    def __init__(self) -> None:
        self._compiler = Compiler(sandboxed=True)
        self._known: OrderedDict[tuple[Parts, str], Compiled] = OrderedDict()

    def render(self, kind: str, locale: str, values: Mapping[str, Any], parts: Parts) -> Rendered:
        """Raises SendRefused, saying what can't be filled."""
        refill()
        try:
            return filled(self._compiled(parts, locale), values, _bounded)
        except (TemplateError, TypeError, ValueError, OverflowError, RecursionError) as error:
            raise SendRefused(f"the template {locale}/{kind} can't be filled: {error}") from None

    def _compiled(self, parts: Parts, locale: str) -> Compiled:
        key = (parts, locale)
        if key not in self._known:
            self._known[key] = self._compiler.compile(source(parts), locale)
        self._known.move_to_end(key)
        if len(self._known) > MOST:
            self._known.popitem(last=False)
        return self._known[key]


def _bounded(template: Template, values: Mapping[str, Any]) -> str:
    """Filled piece by piece: what would have no end is broken off early. (Loops are never within a piece.)"""
    pieces, left = [], LONGEST
    for piece in template.generate(values):
        pieces.append(piece)
        left -= len(piece)
        if left < 0:
            raise ValueError(f"it makes a mail of more than {LONGEST} characters")
    return "".join(pieces)
