"""What campaigns have set about persons: how long they are kept, by which channel they are written to, and whether mail
abroad waits for their consent."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Final

from schemas.channels import MailChannels, MailWay
from schemas.retention import DEFAULTS, OUTCOMES, RetentionOutcome, RetentionTerms
from storage.database import Conn

_OF: Final = "SELECT campaign, outcome, keep, hold FROM retention_terms WHERE campaign = ANY(%s)"
_SET: Final = """
INSERT INTO retention_terms (campaign, outcome, keep, hold, by) VALUES (%s, %s, %s, %s, %s)
ON CONFLICT (campaign, outcome) DO UPDATE SET keep = excluded.keep, hold = excluded.hold, by = excluded.by, at = now()
"""
_CHANGED: Final = "SELECT max(at) FROM retention_terms"
_WAITING: Final = "SELECT campaign FROM abroad_terms WHERE waits AND campaign = ANY(%s)"
_ALL_WAITING: Final = "SELECT campaign FROM abroad_terms WHERE waits ORDER BY campaign"
_WAIT: Final = """
INSERT INTO abroad_terms (campaign, waits, by) VALUES (%s, %s, %s)
ON CONFLICT (campaign) DO UPDATE SET waits = excluded.waits, by = excluded.by, at = now()
"""
_CHANNELS: Final = "SELECT campaign, way FROM campaign_channels"
_CHOOSE: Final = """
INSERT INTO campaign_channels (campaign, way, by) VALUES (%s, %s, %s)
ON CONFLICT (campaign) DO UPDATE SET way = excluded.way, by = excluded.by, at = now()
"""


async def retention(conn: Conn, campaigns: Collection[str]) -> dict[tuple[str, RetentionOutcome], RetentionTerms]:
    """For how long these campaigns keep persons, by campaign and outcome: as they have set, else by default."""
    cursor = await conn.execute(_OF, [sorted(set(campaigns))])
    own = {(campaign, outcome): RetentionTerms(keep, hold) for campaign, outcome, keep, hold in await cursor.fetchall()}
    return {(c, each): own.get((c, each), DEFAULTS[each]) for c in campaigns for each in OUTCOMES}


async def keep(conn: Conn, campaign: str, outcome: RetentionOutcome, terms: RetentionTerms, *, by: str) -> None:
    """From now on this campaign keeps persons with this outcome for so long."""
    await conn.execute(_SET, [campaign, outcome, terms.keep, terms.hold, by])


async def changed_at(conn: Conn) -> datetime | None:
    """When a campaign last changed how long it keeps persons; None where none ever did."""
    row = await (await conn.execute(_CHANGED)).fetchone()
    return row[0] if row else None


async def waiting_for_consent(conn: Conn, campaigns: Collection[str] | None = None) -> set[str]:
    """In which of these campaigns (else of all) mail that leads abroad waits for its reader's consent."""
    if campaigns is None:
        cursor = await conn.execute(_ALL_WAITING)
    else:
        cursor = await conn.execute(_WAITING, [sorted(campaigns)])
    return {campaign for (campaign,) in await cursor.fetchall()}


async def wait_for_consent(conn: Conn, campaign: str, *, waits: bool, by: str) -> None:
    """Let a campaign's mail that leads abroad wait for its reader's consent, or no longer."""
    await conn.execute(_WAIT, [campaign, waits, by])


async def channels(conn: Conn) -> dict[str, MailWay]:
    """By which channel the mail of those campaigns goes that have chosen one."""
    return dict(await (await conn.execute(_CHANNELS)).fetchall())


async def choose_channel(conn: Conn, campaign: str, way: MailWay | None, *, by: str) -> None:
    """Let a campaign's mail go by this channel from now on; None: by the usual one."""
    if way is None:
        await conn.execute("DELETE FROM campaign_channels WHERE campaign = %s", [campaign])
    else:
        await conn.execute(_CHOOSE, [campaign, way, by])


async def held_for_consent(conn: Conn, here: MailChannels) -> set[str]:
    """The campaigns whose mail waits for its reader's consent: it leads abroad, and they demand that."""
    chosen = await channels(conn)
    return {each for each in await waiting_for_consent(conn) if here.leads_abroad(chosen.get(each))}
