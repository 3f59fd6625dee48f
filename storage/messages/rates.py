"""How much mail may leave at once: the tokens of all senders, of all mail together and of each domain by its digest.

A row is locked from when it is read for drawing until the transaction ends in which it was drawn from.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from storage.arrays import blobs, column
from storage.database import Conn

ALL: Final = b""  # the name of all mail together

_LEVEL: Final = "r.name, r.tokens, r.drained, extract(epoch FROM clock_timestamp() - r.at)::float"
_LOOK: Final = f"SELECT {_LEVEL} FROM send_rates r WHERE name = %s OR drained"
_LOCK: Final = f"""
INSERT INTO send_rates AS r (name, tokens, drained, at)
SELECT u.name, u.tokens, false, clock_timestamp() FROM unnest(%s::bytea[], %s::float[]) AS u(name, tokens)
ORDER BY u.name
ON CONFLICT (name) DO UPDATE SET name = excluded.name
RETURNING {_LEVEL}
"""
_STORE: Final = """
UPDATE send_rates r SET tokens = u.tokens, drained = u.drained, at = clock_timestamp()
FROM unnest(%s::bytea[], %s::float[], %s::bool[]) AS u(name, tokens, drained) WHERE r.name = u.name
"""
# After the server's clock was put back no token would come in until it is there again.
_FORGET: Final = """
DELETE FROM send_rates WHERE name IN (
    SELECT name FROM send_rates WHERE abs(extract(epoch FROM clock_timestamp() - at)) > %s FOR UPDATE SKIP LOCKED)
"""


@dataclass(frozen=True, slots=True)
class Level:
    """So many tokens there were, so many `seconds` ago. `drained`: one more was wanted than there was."""

    tokens: float
    drained: bool = False
    seconds: float = 0.0


async def look(conn: Conn) -> dict[bytes, Level]:
    """Of all mail together, and of the domains that are drained; nothing of what nobody drew from."""
    rows = await (await conn.execute(_LOOK, [ALL])).fetchall()
    return {bytes(name): Level(*level) for name, *level in rows}


async def lock(conn: Conn, sizes: Mapping[bytes, float]) -> dict[bytes, Level]:
    """Of these names, locked; a new one has as many tokens as there can be (`sizes`)."""
    names = sorted(sizes)
    rows = await (await conn.execute(_LOCK, [blobs(names), column([str(sizes[name]) for name in names])])).fetchall()
    return {bytes(name): Level(*level) for name, *level in rows}


async def store(conn: Conn, levels: Mapping[bytes, Level]) -> None:
    """These names, which `lock` has locked, stand so now."""
    tokens = column([str(each.tokens) for each in levels.values()])
    await conn.execute(_STORE, [blobs(levels), tokens, column([each.drained for each in levels.values()])])


async def forget(conn: Conn, seconds: float) -> None:
    """What nobody drew from for so long, which is full again, says nothing that a new row would not; nor does what lies
    so far ahead."""
    await conn.execute(_FORGET, [seconds])
