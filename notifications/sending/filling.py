"""A compiled template and values become a subject, HTML and text. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from jinja2 import Template

from notifications.sending.compiling import Compiled
from schemas.messages import Written

Fill = Callable[[Template, Mapping[str, Any]], str]


@dataclass(frozen=True, slots=True)
class Rendered:
    """A message as it will be read. `written`: the same as JSON has it, where it was made of pieces."""

    subject: str
    html: str
    text: str
    written: Written | None = field(default=None, compare=False)


def filled(template: Compiled, values: Mapping[str, Any], fill: Fill) -> Rendered:
    """The mail, both forms filled by `fill`."""
    text = template.text
    subject = "".join(text.blocks["subject"](text.new_context(dict(values))))
    return Rendered(" ".join(subject.split()), fill(template.html, values), _tidied(fill(text, values)))


def _tidied(text: str) -> str:
    """No spaces at the ends of lines, and no more than one empty line in a row."""
    lines: list[str] = []
    for line in map(str.strip, text.strip().splitlines()):
        if line or (lines and lines[-1]):
            lines.append(line)
    return "\n".join(lines) + "\n"
