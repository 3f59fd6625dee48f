"""What an address names, if it is there."""

from __future__ import annotations

from typing import Any

from schemas.errors import NotFound
from storage.campaigns import reads
from storage.database import Conn


async def known(conn: Conn, campaign: str) -> dict[str, Any]:
    """The campaign's row. Raises NotFound."""
    found = await reads.campaign(conn, askable(campaign))
    if found is None:
        raise NotFound(f"there is no campaign {campaign!r}")
    return found


def askable(name: str) -> str:
    """The name, if the database can be asked for it. Raises NotFound."""
    if "\0" in name:
        raise NotFound("no id has a zero character")
    return name
