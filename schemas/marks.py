"""What each field of the catalogue is to a person's privacy, said where the field is declared.

`plain`: nobody's own; `kept`: about a person, but it names nobody: what a target's `where` matches on, also after the
person was erased; `personal`: goes when the person asks.
"""

from __future__ import annotations

from typing import Any, Final, Literal, get_args

from pydantic import BaseModel, Field
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

Mark = Literal["plain", "kept", "personal"]
MARK: Final = "x-privacy"  # the key in JSON Schemas


def plain(default: Any = PydanticUndefined) -> Any:
    """A field that is nobody's own; required unless it has a default."""
    return _marked("plain", default)


def kept(default: Any = PydanticUndefined) -> Any:
    """A field that stays when its person is erased, since it names nobody."""
    return _marked("kept", default)


def personal(default: Any = PydanticUndefined) -> Any:
    """A field that is a person's own."""
    return _marked("personal", default)


def mark_of(info: FieldInfo) -> Mark | None:
    """A field's mark; None where it has none."""
    extra = info.json_schema_extra
    found = extra.get(MARK) if isinstance(extra, dict) else None
    return found if found in get_args(Mark) else None  # type: ignore[return-value]


def require_marks(model: type[BaseModel]) -> None:
    """Raises TypeError for a model with a field that has no mark: what nobody thought of would stand in the clear."""
    bare = sorted(name for name, info in model.model_fields.items() if mark_of(info) is None)
    if bare:
        raise TypeError(f"{model.__name__}.{bare[0]} has no mark: say plain(), kept() or personal() (schemas/marks.py)")


def marked(model: type[BaseModel], mark: Mark) -> tuple[str, ...]:
    """The fields of a model that have this mark, in their order."""
    return tuple(name for name, info in model.model_fields.items() if mark_of(info) == mark)


def _marked(mark: Mark, default: Any) -> Any:
    return Field(default, json_schema_extra={MARK: mark})
