"""What stands now, for the worker to announce what changed since it last looked; and the word that it did change."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from psycopg.rows import dict_row

from storage.database import Conn, translated

CHANNEL: Final = "yinfeng_progress"
_TARGETS = """
SELECT campaign, target, title, measure, goal, progress, due_on, "where", tally IS NOT NULL AS counting, revision
FROM targets
"""


@dataclass(frozen=True, slots=True)
class Standing:
    """Every target by (campaign, target), and every milestone (campaign, target, goal, percent) ever reached."""

    targets: dict[tuple[str, str], dict[str, Any]]
    milestones: frozenset[tuple[str, str, Decimal, int]]


async def standing(conn: Conn) -> Standing:
    """Read all of it. Targets are few (hundreds): reading them all is surer than following their revisions,
    which transactions take in one order and commit in another."""
    with translated():
        async with conn.cursor(row_factory=dict_row) as cursor:
            await cursor.execute(_TARGETS)
            rows = await cursor.fetchall()
        reached = await conn.execute("SELECT campaign, target, goal, percent FROM milestones")
        return Standing(
            {(row["campaign"], row["target"]): row for row in rows},
            frozenset([(c, t, g, p) for c, t, g, p in await reached.fetchall()]),
        )


async def ring(conn: Conn) -> None:
    """Let those who show targets know that some may have changed. In no transaction: see `storage.bell`."""
    await conn.execute(f"NOTIFY {CHANNEL}")


async def listen(conn: Conn) -> None:
    """From now on, `heard` returns early when somebody rings. Raises DatabaseUnavailable."""
    with translated():
        await conn.execute(f"LISTEN {CHANNEL}")


async def heard(conn: Conn, seconds: float) -> bool:
    """Whether somebody rings within so many seconds. Raises DatabaseUnavailable, also where the server is silent."""
    with translated():
        words = [word async for word in conn.notifies(timeout=seconds, stop_after=1)]
        if not words:
            await conn.execute("SELECT 1")
        return bool(words)
