"""What a template of HR's may cost: so many turns of its loops, and so long a text at once.

Whatever it says, filling it takes milliseconds and little memory: nothing in it can grow but by loops and by joining.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextvars import ContextVar
from typing import Any, Final

from jinja2 import pass_eval_context
from jinja2.filters import sync_do_join
from jinja2.nodes import EvalContext

MOST_TURNS: Final = 2_000  # of all loops together; a digest of thirty targets takes some hundred
LONGEST_TEXT: Final = 10_000  # characters that one join may make
_turns: ContextVar[int] = ContextVar("turns", default=MOST_TURNS)


class OverBudgetError(ValueError):
    """The template would take too long, or say too much."""


def refill() -> None:
    """A new mail may cost as much again."""
    _turns.set(MOST_TURNS)


def counted(values: Iterable[Any]) -> Iterator[Any]:
    """The values, each of which is a turn. Raises OverBudgetError."""
    for value in values:
        left = _turns.get() - 1
        if left < 0:
            raise OverBudgetError(f"its loops take more than {MOST_TURNS} turns")
        _turns.set(left)
        yield value


@pass_eval_context
def joined(context: EvalContext, values: Iterable[Any], between: str = "", attribute: str | int | None = None) -> str:
    """Jinja's own join, of what is not too long. Raises OverBudgetError before it makes anything."""
    parts = list(counted(values))
    size = sum(len(str(each)) for each in parts) + len(str(between)) * len(parts)
    if size > LONGEST_TEXT:
        raise OverBudgetError(f"it joins more than {LONGEST_TEXT} characters")
    return sync_do_join(context, parts, between, attribute)
