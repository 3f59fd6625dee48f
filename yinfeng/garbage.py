"""How often Python looks for objects that only one another hold."""

from __future__ import annotations

import gc


def collect_seldom() -> None:
    """What is here stays, and is looked through no more. Facts and mails in batches make many short-lived objects and
    few cycles: looking for these took a fifth of the time."""
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)
