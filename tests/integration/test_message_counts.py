"""How many messages there are is told at once, however many there are."""

from __future__ import annotations

import pytest

from storage.database import Conn
from storage.messages import counting
from storage.messages.counting import PartCount

OFFERS, WORDS = ("offer", "", "requested"), ("welcome", "mailbox", "sent")


async def ask_for(conn: Conn, offers: int, words: int) -> None:
    await conn.execute(
        """
        INSERT INTO messages (dedupe_key, kind, channel, campaign, params, status)
        SELECT kind || n || clock_timestamp(), kind, channel, 'c', '{}', status
        FROM (VALUES ('offer', NULL, 'requested', %s::int), ('welcome', 'mailbox', 'sent', %s::int))
             AS k(kind, channel, status, number), generate_series(1, number) AS n
        """,
        [offers, words],
    )
    await conn.execute("ANALYZE messages")


async def count_all(conn: Conn) -> None:
    part: PartCount | None = None
    while (part := await counting.count_some(conn, part)) is not None:
        pass


@pytest.fixture
def _many_are_four(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counting, "FEW", 3)
    monkeypatch.setattr(counting, "PORTION", 2)


async def test_few_are_counted_when_somebody_asks(conn: Conn):
    assert (await counting.count(conn)).numbers == {}
    await ask_for(conn, 3, 2)
    assert await counting.count_some(conn, None) is None
    assert await counting.count(conn) == counting.MessageNumbers({OFFERS: 3, WORDS: 2})


@pytest.mark.usefixtures("_many_are_four")
async def test_many_are_told_as_they_were_counted_in_portions(conn: Conn):
    await ask_for(conn, 3, 2)
    assert (await counting.count(conn)).numbers == {OFFERS: 3, WORDS: 2}  # nobody has counted yet
    await count_all(conn)
    await ask_for(conn, 1, 0)
    found = await counting.count(conn)
    assert found.numbers == {OFFERS: 3, WORDS: 2}
    assert found.age > 0


@pytest.mark.usefixtures("_many_are_four")
async def test_they_are_counted_again_after_a_while(conn: Conn):
    await ask_for(conn, 3, 2)
    await count_all(conn)
    await ask_for(conn, 0, 2)
    await count_all(conn)  # another worker's, a moment later
    assert (await counting.count(conn)).numbers == {OFFERS: 3, WORDS: 2}
    await conn.execute("UPDATE message_counts SET at = at - interval '1 hour'")
    await count_all(conn)
    assert (await counting.count(conn)).numbers == {OFFERS: 3, WORDS: 4}
