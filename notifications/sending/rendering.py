"""A message's template and values become a subject, HTML and text.

There is one template of ours for each kind and language, compiled once, and HR's own in its place where a campaign
has one. Nobody can bend ours, so they are filled here; HR's are filled apart. Either is filled twice with the same
values: with the macros and the layout for HTML (escaped), then with those for text, so that both say the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from jinja2 import Template, TemplateError

from notifications.sending.compiling import Compiled, Compiler
from notifications.sending.filling import Rendered, filled
from notifications.sending.skeletons import Skeletons
from notifications.sending.template_parts import default_parts, source
from notifications.sending.templates_apart import TemplatesApart
from schemas.errors import FieldError, SendRefused
from schemas.messages import Parts

LOCALES: Final = ("zh-CN", "en")


class Renderer:
    """Renders every kind in every language; each of our templates is compiled when it is wanted first."""

    def __init__(self) -> None:
        self._compiler = Compiler(sandboxed=False)
        self._ours: dict[tuple[str, str], Compiled] = {}
        self._apart, self._skeletons = TemplatesApart(), Skeletons()

    def render(self, kind: str, locale: str, values: Mapping[str, Any], own: Parts | None = None) -> Rendered:
        """The mail, by HR's `own` template where there is one: that blocks, so it is for a thread. Raises SendRefused,
        naming the variable, when the template asks for one that isn't there, and TooMany."""
        if own is not None:
            return self._apart.render(kind, locale, values, own)
        try:
            return self._skeletons.fill(
                kind, locale, values, lambda values: filled(self._compiled(kind, locale), values, Template.render)
            )
        except (TemplateError, TypeError, ValueError, OverflowError) as error:
            raise SendRefused(f"the template {locale}/{kind} can't be filled: {error}") from None

    def faults(self, parts: Parts, known: Mapping[str, Any]) -> list[FieldError]:
        """What is wrong with a template of HR's, by part; for a thread. Raises TooMany."""
        return self._apart.faults(parts, known)

    def _compiled(self, kind: str, locale: str) -> Compiled:
        """Two threads may compile the same."""
        if (kind, locale) not in self._ours:
            self._ours[kind, locale] = self._compiler.compile(source(default_parts(kind, locale)), locale)
        return self._ours[kind, locale]

    def close(self) -> None:
        """End what runs apart."""
        self._apart.close()
