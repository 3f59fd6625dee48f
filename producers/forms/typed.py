"""What a request typed into a form."""

from __future__ import annotations

from typing import Any

from fastapi import Request

from schemas.forms import Typed


async def typed_in(request: Request, **bounds: Any) -> Typed:
    """All texts by field; files are left out. `bounds`: how much it may be, as Starlette counts it."""
    found: Typed = {}
    for name, value in (await request.form(**bounds)).multi_items():
        if isinstance(value, str):
            found.setdefault(name, []).append(value)
    return found
