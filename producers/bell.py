"""Tells the relay that facts were accepted, after their transaction."""

from __future__ import annotations

from psycopg_pool import AsyncConnectionPool

from storage import bell
from storage.database import Conn, borrowed
from storage.ledger import ledger


class FactsBell(bell.Bell):
    """`ring` whenever facts were accepted. A notice that is lost costs a second: the relay looks by itself too."""

    def __init__(self, pool: AsyncConnectionPool[Conn]) -> None:
        async def tell() -> None:
            async with borrowed(pool) as conn:
                await ledger.ring(conn)

        super().__init__(tell)
