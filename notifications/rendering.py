"""A message's template and values become a subject, HTML and text. Templates are compiled once.

There is one template for each kind and language. It is rendered twice with the same values: with the macros and the
layout for HTML (escaped), then with those for text, so that both say the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined, Template, TemplateError

from schemas.errors import SendRefused
from schemas.messages import AUDIENCES

LOCALES: Final = ("zh-CN", "en")


@dataclass(frozen=True, slots=True)
class Rendered:
    """A message as it will be read."""

    subject: str
    html: str
    text: str


class Renderer:
    """Renders every kind in every language; making one compiles all templates."""

    def __init__(self) -> None:
        self._html = _compiled("html", autoescape=True)
        self._text = _compiled("txt", autoescape=False)

    def render(self, kind: str, locale: str, values: Mapping[str, Any]) -> Rendered:
        """Raises SendRefused, naming the variable, when the template asks for one that isn't there."""
        html, text = self._html[kind, locale], self._text[kind, locale]
        try:
            subject = "".join(text.blocks["subject"](text.new_context(dict(values))))
            return Rendered(" ".join(subject.split()), html.render(values), _tidied(text.render(values)))
        except TemplateError as error:
            raise SendRefused(f"the template {locale}/{kind} can't be filled: {error}") from None


def _compiled(form: str, *, autoescape: bool) -> dict[tuple[str, str], Template]:
    environment = Environment(
        loader=PackageLoader("notifications"),
        autoescape=autoescape,  # noqa: S701 - off for plain text alone
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["layout"] = f"layout.{form}.j2"
    environment.globals["m"] = environment.get_template(f"macros.{form}.j2").module
    return {
        (kind, locale): environment.get_template(f"{locale}/{kind}.j2", globals={"lang": locale})
        for kind in AUDIENCES
        for locale in LOCALES
    }


def _tidied(text: str) -> str:
    """No spaces at the ends of lines, and no more than one empty line in a row."""
    lines: list[str] = []
    for line in map(str.strip, text.strip().splitlines()):
        if line or (lines and lines[-1]):
            lines.append(line)
    return "\n".join(lines) + "\n"
