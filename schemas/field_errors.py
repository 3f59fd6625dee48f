"""What is wrong with a fact, field by field, in words for who posted it."""

from __future__ import annotations

import difflib
from typing import Any, Final

from pydantic import ValidationError

from schemas.errors import FieldError

REQUIRED: Final = "is required"
_BRANCHES: Final = ("function-", "constrained-", "int")
_CONTROLS: Final = {code: f"\\x{code:02x}" for code in [*range(32), *range(127, 160)]}


def field_errors(error: ValidationError, prefix: str, known: Any = ()) -> list[FieldError]:
    """One error for each field; where a union's branches each say no, their messages are joined."""
    messages: dict[str, list[str]] = {}
    for detail in error.errors(include_url=False, include_input=False):
        messages.setdefault(_path(detail, prefix), []).append(_message(detail, known))
    return [FieldError(field, ", or ".join(said)) for field, said in messages.items()]


def _path(detail: Any, prefix: str) -> str:
    """The dotted path, without the names that Pydantic gives to a union's branches."""
    first, rest = detail["loc"][:1], detail["loc"][1:]
    if detail["type"] != "extra_forbidden":
        rest = [part for part in rest if not str(part).startswith(_BRANCHES)]
    return ".".join([*([prefix] if prefix else []), *(safe(str(part)) for part in (*first, *rest))])


def _message(detail: Any, known: Any) -> str:
    match detail["type"]:
        case "extra_forbidden":
            return f"unknown key{suggestion(str(detail['loc'][-1]), known)}"
        case "string_unicode":
            return "must not contain lone surrogates"
        case "missing":
            return REQUIRED
        case _:
            return str(detail["msg"]).replace("Input should", "should")


def suggestion(name: str, known: Any) -> str:
    """Which of the known names may be meant, as the end of a sentence; nothing where none is near."""
    near = difflib.get_close_matches(name[:100], list(known), n=1)
    return f"; did you mean {near[0]!r}?" if near else ""


def safe(text: str) -> str:
    """A name from outside, fit for a message: short, printable, encodable."""
    return text[:100].encode("utf-8", "backslashreplace").decode().translate(_CONTROLS)
