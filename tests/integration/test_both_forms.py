"""A ledger in which events of this version, which leave out what stands in columns, lie among whole ones of the version
before, as on the day on which both are at work: whoever reads it reads the same."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.facts import validate_event
from schemas.sealed import SEALED
from storage.database import Conn, connect
from storage.journeys import candidates
from storage.ledger import ledger
from storage.ledger.events import WHOLE
from storage.vault import in_clear
from storage.vault.accepting import accept
from storage.vault.export import export
from streams.apply import apply_batch
from streams.audit import audit
from tests.facts import CAMPAIGN, event, hired, opened, retraction, signed_up, target
from tests.integration.test_sealed_facts import (
    AFTER,
    CUT,
    NOW,
    PERSONAL,
    SIGNUP,
    WITHDREW,
    apply,
    name_of,
    relayed,
    stored,
)

TOLD = [
    opened(),
    target("t"),
    event("employer.set", employer="huayou", name="华友"),
    event("opening.set", opening="o1", employer="huayou", position="Engineer", seats=2),
    SIGNUP,
    WITHDREW,
    signed_up("c1", name="李又来", id="s2", time=AFTER),
    signed_up("c1", name="a slip", id="s3", time=AFTER.replace("09:", "10:")),
    retraction("s3", candidate="c1"),
    event("offer.extended", candidate="c1", offer="o-1", employer="huayou", position="Engineer", salary="9000"),
    hired("c1"),
    hired("c2"),
]


async def read_all(conn: Conn, url: str) -> list[Any]:
    """What each reader of events makes of them."""
    keys = [(CAMPAIGN, "c1"), (CAMPAIGN, "c2")]
    async with await connect(url, name="audit") as reader:
        found = (await audit(reader)).differences
    return [
        found,
        await candidates.timeline(conn, CAMPAIGN, ["c1"], limit=50),
        await export(conn, CAMPAIGN, "c1"),
        {
            key: sorted(facts, key=lambda fact: fact.stamp)
            for key, facts in (await ledger.facts_of_candidates(conn, keys)).items()
        },
        sorted(await ledger.facts_of_campaign(conn, CAMPAIGN), key=lambda fact: fact.stamp),
        await ledger.facts_of_openings(conn, CAMPAIGN, ["o1"]),
        await ledger.facts_of_employers(conn, CAMPAIGN, ["huayou"]),
        await in_clear.count(conn),
    ]


@pytest.mark.parametrize("whole", ["seq % 2 = 0", "seq % 2 = 1", "true"])
async def test_whoever_reads_events_of_both_versions_reads_the_same(conn: Conn, database_url: str, whole: str):
    await apply(conn, *TOLD)
    waiting = [event("candidate.checked_in", candidate="c2", fair="f1", id=f"w{n}") for n in range(2)]
    await accept(conn, [validate_event(each) for each in waiting], posted_by="key:a")
    before = await read_all(conn, database_url)
    assert before[0] == []
    await conn.execute(f"UPDATE facts f SET event = {WHOLE}::jsonb WHERE {whole}".encode())
    assert await read_all(conn, database_url) == before
    # Kafka is read once more from the beginning, and the outbox is published.
    published = await relayed(conn)
    await apply(conn, *TOLD)
    assert (await apply_batch(conn, published, now=NOW)).facts == 2
    assert (await apply_batch(conn, published, now=NOW)).facts == 0
    # Who is erased: what was said later goes on, and nothing of before is left, in either form.
    await apply(conn, event("candidate.erased", candidate="c1", time=CUT))
    assert await name_of(conn) == "李又来"
    found = await stored(conn)
    assert not [word for word in (*PERSONAL, "9000") if word in found]
    rows = await conn.execute("SELECT id FROM facts WHERE event ? %s AND candidate = 'c1' ORDER BY id", [SEALED])
    assert await rows.fetchall() == [("s2",), ("s3",)]
    async with await connect(database_url, name="audit") as reader:
        assert (await audit(reader)).differences == []
