"""A template as it is written: a subject, a content and a footer, in Jinja2.

A line of text is a paragraph (in the footer, a small one); a line that begins with `# ` is the headline. Lines of tags
and macros alone stay as they are.
"""

from __future__ import annotations

import re
from functools import cache
from importlib import resources
from typing import Final

from schemas.errors import YinfengError
from schemas.messages import Parts

MOST: Final = {"subject": 500, "content": 20_000, "footer": 2_000}  # characters


def source(parts: Parts) -> str:
    """The whole template, as Jinja2 has it."""
    return (
        f"{{% extends layout %}}{{% block subject %}}{' '.join(parts.subject.split())}{{% endblock %}}\n"
        f"{{% block content %}}\n{expanded(parts.content, 'paragraph')}{{% endblock %}}\n"
        f"{{% block footer %}}\n{expanded(parts.footer, 'small')}{{% endblock %}}\n"
    )


@cache
def default_parts(kind: str, locale: str) -> Parts:
    """The template that Yinfeng brings for a kind of message in a language."""
    file = resources.files("notifications") / "templates" / locale / f"{kind}.j2"
    found = _FILE.fullmatch(file.read_text("utf-8"))
    if found is None:
        raise YinfengError(f"the template {locale}/{kind} has not the blocks subject, content and footer alone")
    return Parts(found["subject"], found["content"], found["footer"])


def expanded(text: str, macro: str) -> str:
    """Lines of text as calls of a macro, headlines too; the number of lines stays."""
    return "".join(_line(line, macro) + "\n" for line in text.splitlines())


def _line(line: str, macro: str) -> str:
    said = line.strip()
    if not said or _TAGS.fullmatch(said):
        return said
    if said.startswith("# "):
        said, macro = said[2:].strip(), "headline"
    return f"{{% call m.{macro}() %}}{said}{{% endcall %}}"


_FILE: Final = re.compile(
    r"\{% extends layout %\}\n\{% block subject %\}(?P<subject>.*?)\{% endblock %\}\n"
    r"\{% block content %\}\n(?P<content>.*?)\{% endblock %\}\n"
    r"\{% block footer %\}\n(?P<footer>.*?)\{% endblock %\}\n",
    re.DOTALL,
)
_TAGS: Final = re.compile(r"(?:\{%((?!%\}).)*%\}|\{\{\s*m\.((?!\}\}).)*\}\}|\{#((?!#\}).)*#\}|\s)+")
