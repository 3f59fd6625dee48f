"""What mails need to know of campaigns and fairs, and what HR was told lately; read for many messages at once."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from psycopg.rows import dict_row

from schemas.channels import MailWay
from schemas.kinds import HR_KINDS
from storage.campaigns import terms
from storage.database import Conn
from storage.ledger.ledger import JourneyKey
from storage.messages import templates
from storage.messages.seat_words import Key, Seat
from storage.messages.templates import Switch, TemplateKey, Version
from storage.messages.transitions import TOLD_WITH

# The condition is the index's.
_TOLD_HR = f"""
SELECT campaign, kind, count(*)::int, min(sent_at), max(sent_at) FROM messages
WHERE kind IN {HR_KINDS} AND campaign = ANY(%(campaigns)s) AND sent_at > %(since)s
  AND NOT starts_with(coalesce(reason, ''), %(with)s)
GROUP BY campaign, kind
"""


@dataclass(frozen=True, slots=True)
class ToldHr:
    """What HR was sent of a kind since some time: how many mails, when the first and the last."""

    count: int
    first: datetime
    last: datetime


@dataclass(frozen=True, slots=True)
class Background:
    """What mails say of campaigns and fairs: rows by campaign, and by (campaign, fair). `seats` of candidates by
    (campaign, fair, candidate); `own`: the campaigns' templates; `off`: the kinds that they do not send; `to_hr`: what
    HR was told within the hour, by (campaign, kind); `employers`: what is said of them, by (campaign, employer);
    `seen`: the candidates whom employers see, as (campaign, employer, candidate); `generations` of the
    links to candidates' own pages; `waits_abroad`: the campaigns whose mail abroad waits for consent; `ways`: by which
    channel the mail of those goes that have chosen one."""

    campaigns: dict[str, dict[str, Any]]
    fairs: dict[tuple[str, str], dict[str, Any]]
    seats: dict[Key, Seat] = field(default_factory=dict)
    own: Mapping[TemplateKey, Version] = field(default_factory=dict)
    off: Collection[Switch] = ()
    to_hr: dict[tuple[str, str], ToldHr] = field(default_factory=dict)
    employers: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    seen: Collection[tuple[str, str, str]] = ()
    generations: dict[JourneyKey, int] = field(default_factory=dict)
    waits_abroad: Collection[str] = ()
    ways: Mapping[str, MailWay] = field(default_factory=dict)


async def told_hr(conn: Conn, campaigns: Collection[str], *, since: datetime) -> dict[tuple[str, str], ToldHr]:
    """What the HR of these campaigns was sent since then, by campaign and kind; each mail counts once."""
    cursor = await conn.execute(_TOLD_HR, {"campaigns": sorted(campaigns), "since": since, "with": TOLD_WITH})
    return {(campaign, kind): ToldHr(*rest) for campaign, kind, *rest in await cursor.fetchall()}


async def load(
    conn: Conn,
    campaigns: Iterable[str],
    fairs: Iterable[tuple[str, str]],
    employers: Iterable[tuple[str, str]] = (),
) -> Background:
    """The campaigns, fairs and employers of these names, as far as they are known, with what these campaigns' HR has
    set."""
    wanted, wanted_fairs, named = sorted(set(campaigns)), sorted(set(fairs)), sorted(set(employers))
    async with conn.cursor(row_factory=dict_row) as cursor:
        await cursor.execute("SELECT * FROM campaigns WHERE campaign = ANY(%s)", [wanted])
        found = {row["campaign"]: row for row in await cursor.fetchall()}
        await cursor.execute(
            "SELECT f.* FROM fairs f JOIN unnest(%b::text[], %b::text[]) AS k(campaign, fair) USING (campaign, fair)",
            [[c for c, _ in wanted_fairs], [f for _, f in wanted_fairs]],
        )
        fairs_found = {(row["campaign"], row["fair"]): row for row in await cursor.fetchall()}
        await cursor.execute(
            "SELECT e.* FROM employers e JOIN unnest(%b::text[], %b::text[]) AS k(campaign, employer)"
            " USING (campaign, employer)",
            [[c for c, _ in named], [e for _, e in named]],
        )
        employers_found = {(row["campaign"], row["employer"]): row for row in await cursor.fetchall()}
    own, off = await templates.latest(conn, wanted), await templates.off(conn, wanted)
    waits = await terms.waiting_for_consent(conn, wanted)
    ways = await terms.channels(conn) if waits else {}
    return Background(found, fairs_found, own=own, off=off, employers=employers_found, waits_abroad=waits, ways=ways)
