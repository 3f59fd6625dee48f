"""Workers say that facts pour in, and every sender sees it, whichever worker's."""

from __future__ import annotations

from notifications.sending.drain import DrainSeen
from storage.database import Conn
from streams.draining import Draining
from streams.persisting import Persistence

WHOLE = 2000  # facts of a batch


async def goes_on(conn: Conn) -> bool:
    seen = DrainSeen()
    await seen.look(conn)
    return seen.goes_on


async def test_it_is_said_while_large_batches_are_applied(conn: Conn, database_url: str):
    ask = Persistence(database_url, name="test", jitter=lambda: 1.0)
    one, other = (Draining(ask, holder=holder, batch_size=WHOLE) for holder in ("one", "other"))
    one.note(WHOLE // 100)
    await one.tell()
    assert not await goes_on(conn)
    for _ in range(2):
        for each in (one, other):
            each.note(WHOLE // 2)
            each.note(1)
            await each.tell()
        assert await goes_on(conn)
    await conn.execute("UPDATE leases SET expires_at = now()")
    await one.tell()
    assert not await goes_on(conn)
    other.note(WHOLE)
    await other.tell()
    assert await goes_on(conn)
    await ask.close()
