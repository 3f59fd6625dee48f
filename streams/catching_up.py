"""What another version of Yinfeng left behind, the lines of fairs and what persons are called: drawn anew beside the
work, some at a time."""

from __future__ import annotations

from typing import Final

from schemas.journey import MOST_IDS
from storage import messages
from storage.campaigns import seats, targets
from storage.database import Conn
from storage.journeys import journeys
from storage.journeys import merging as united
from storage.journeys.journeys import Stored
from storage.ledger import ledger
from storage.ledger.ledger import JourneyKey
from storage.messages import seat_words
from storage.vault.at_hand import AtHand
from storage.vault.process import vault
from streams import merging
from streams.apply import forget_erased, group_anew
from streams.domain.fold import fold
from streams.domain.measures import milestones
from streams.effects import refold, seat_changes
from streams.persons import Persons

PORTION: Final = 200  # journeys at a time: some tens of milliseconds
START: Final = ("", "")


async def catch_up(conn: Conn, after: JourneyKey = START) -> JourneyKey | None:
    """Draw the next journeys anew that another version wrote last, with their persons and their places in lines, and
    let fairs have the seats that they have now. Returns after which to go on; None when nothing is left.

    Raises ConcurrentChange when a journey was changed meanwhile: try again.
    """
    await united.unite_anew(conn)
    async with conn.transaction():
        for campaign in await seats.resized(conn):
            await targets.lock(conn, {campaign: True})
            await seats.resize(conn, [campaign])
    keys = await journeys.behind(conn, after, PORTION)
    if keys:
        async with conn.transaction():
            await targets.lock(conn, dict.fromkeys((campaign for campaign, _ in keys), False))
            await _draw_anew(conn, keys)
    return keys[-1] if keys else None


async def part_crowded(conn: Conn, after: JourneyKey = START) -> JourneyKey | None:
    """Let the next person of more ids than one has at most be as many as there are by now. Returns after which to go
    on; None when nobody is left."""
    async with conn.transaction():
        found = await united.crowded(conn, after, MOST_IDS)
        if found is None:
            return None
        head, word = found
        for fact in await ledger.named(conn, [word]):
            await group_anew(conn, fact)
        return head


async def tag_journeys(conn: Conn, after: JourneyKey = START) -> JourneyKey | None:
    """Tag the next journeys that another version stored last. Returns after which to go on; None when nothing is
    left."""
    return await journeys.tag_more(conn, after, PORTION)


async def draw_persons(conn: Conn, after: JourneyKey = START) -> JourneyKey | None:
    """Draw what the next persons are searched by, of those whom another version drew last. Returns after which to go
    on; None when nothing is left."""
    async with conn.transaction():
        return await vault().drawing.draw_more(conn, after, PORTION)


async def _draw_anew(conn: Conn, keys: list[JourneyKey]) -> None:
    stored = await journeys.load(conn, keys)
    groups = await merging.regroup(conn, stored, ())
    keys = sorted(stored)
    stood = await seats.standing(conn, keys)
    changed: dict[JourneyKey, tuple[Stored, dict[str, int]]] = {}
    changes: list[seats.LineChange] = []
    persons = Persons(AtHand())
    refolded = await refold(conn, keys)
    anew = merging.fold_groups(groups, refolded)
    for key, facts in refolded.items():
        row = stored[key]
        persons.before(key, row.journey)
        row.journey = anew[key] if key in anew else fold(facts)
        persons.after(key, row.journey, merging.of_group(groups, key, refolded))
        changes += seat_changes(key, stood.get(key, {}), row.journey, ())
        changed[key] = (row, milestones(row.journey))
    await journeys.store(conn, changed)
    await persons.keep(conn)
    await forget_erased(conn, stored)
    await messages.release(conn, keys)  # another version finds no address in what is sealed
    await seats.change(conn, changes)
    await seat_words.learn(conn, keys)
