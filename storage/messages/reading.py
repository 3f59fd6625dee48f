"""Messages for those who look: what was asked for, what became of it, how it looked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from psycopg.rows import dict_row

from schemas.errors import NotFound
from schemas.kinds import HR_KINDS
from schemas.messages import (
    FAIR_CANCELLED,
    FAIR_REMINDER,
    FAIR_RESCHEDULED,
    MOVED_BACK,
    MOVED_UP,
    SIGNUP_CONFIRMATION,
    THANKS,
    WAITLISTED,
    Status,
)
from storage.arrays import column
from storage.database import Conn
from storage.journeys import merging
from storage.journeys.sight import SEEN
from storage.ledger.ledger import JourneyKey
from storage.messages import sealed
from storage.messages.of_facts import fact_of, id_of, source_of
from storage.messages.sealed import KeptMail
from storage.vault.process import vault
from storage.vault.restricting import SHOWN

ABOUT_FAIRS: Final = (
    SIGNUP_CONFIRMATION,
    WAITLISTED,
    MOVED_UP,
    MOVED_BACK,
    FAIR_REMINDER,
    FAIR_RESCHEDULED,
    FAIR_CANCELLED,
    THANKS,
)
DEFAULT_ZONE: Final = "Asia/Shanghai"
_ROWS = f"""
SELECT m.id, m.kind, m.campaign, m.candidate, m.recipient, m.channel, m.locale, m.subject, m.status, m.reason,
       coalesce(m.attempts, 0) AS attempts, {source_of("m")} AS source, {id_of("m")} AS fact, m.requested_at,
       m.sent_at, m.sealed,
       coalesce(c.timezone, 'Asia/Shanghai') AS timezone,
       coalesce(c.title, m.campaign) AS title,
       coalesce(
           (SELECT p.name FROM vault.person p WHERE (p.campaign, p.candidate) = (m.campaign, m.candidate)),
           (SELECT j.name FROM journeys j WHERE (j.campaign, j.candidate) = (m.campaign, m.candidate))) AS name
FROM messages m LEFT JOIN campaigns c ON c.campaign = m.campaign
"""
# An employer's key sees the messages to candidates whom it sees: those about fairs, and those that it caused itself. Of
# which employer another message is stands in it, in its fact, or in the offer that its fact names; else it is nobody's.
_OF_EMPLOYER = f"""
m.kind NOT IN {HR_KINDS} AND {SEEN.format(campaign="m.campaign", candidate="m.candidate")}
AND (m.kind IN {ABOUT_FAIRS} OR %(employer)s = coalesce(
    m.params->>'employer',
    (SELECT c.event->'data'->>'employer' FROM {fact_of("m")} AS c),
    (SELECT x.event->'data'->>'employer'
     FROM {fact_of("m")} AS c JOIN facts x ON (x.campaign, x.candidate) = (m.campaign, m.candidate)
     WHERE x.type = 'offer.extended'
       AND x.event->'data'->>'offer' = c.event->'data'->>'offer'
     ORDER BY x.time DESC LIMIT 1)))
"""
# Nobody looks at what was said to or of somebody who is restricted.
_SHOWN = f"""(m.candidate IS NULL OR {SHOWN.format(campaign="m.campaign", candidate="m.candidate")})"""
_TO_ONE = "m.candidate = ANY(%(ids)s::text[])"
_TO_ONE_ANYWHERE = """
(m.candidate = %(candidate)s
 OR (m.campaign, m.candidate) IN (SELECT * FROM unnest(%(places)s::text[], %(ids)s::text[])))
"""
_HISTORY = """
SELECT a.at, a.status, a.cause, a.detail, m.campaign, coalesce(m.candidate, '') AS candidate FROM message_attempts a
JOIN messages m ON m.id = a.message WHERE a.message = %s ORDER BY a.id
"""
_MAIL = f"""
SELECT w.html, w.text, w.at, w.sealed, w.whose, m.campaign FROM mails w JOIN messages m ON m.id = w.message
WHERE w.message = %(id)s AND (%(hidden)s OR {_SHOWN})
"""


@dataclass(frozen=True, slots=True)
class Message:
    """One message. `fact` and `source` are the identity of the fact that asked for it, where one did; `title` is its
    campaign's, `name` its candidate's."""

    id: int
    kind: str
    campaign: str
    candidate: str | None
    recipient: str | None
    channel: str | None
    locale: str | None
    subject: str | None
    status: Status
    reason: str | None
    attempts: int
    source: str | None
    fact: str | None
    requested_at: datetime
    sent_at: datetime | None
    timezone: str
    title: str
    name: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageFilter:
    """Which messages; None: whatever they are. `candidate`: an id, beside which those of others may be named (`also`);
    `employer`: those that this employer may see."""

    campaign: str | None = None
    candidate: str | None = None
    also: Sequence[JourneyKey] = ()
    status: str | None = None
    channel: str | None = None
    kind: str | None = None
    employer: str | None = None


async def listed(conn: Conn, wanted: MessageFilter, *, before: int | None, limit: int) -> list[Message]:
    """Messages, the newest first, older than the message `before`; of a candidate who is one person with others, those
    to all of them."""
    given = {name: getattr(wanted, name) for name in ("campaign", "status", "channel", "kind")}
    conditions = [f"m.{name} = %({name})s" for name, value in given.items() if value is not None]
    if wanted.candidate is not None:
        alone = wanted.campaign is not None and not wanted.also
        conditions.append(_TO_ONE if alone else _TO_ONE_ANYWHERE)
        given |= await _ids(conn, wanted.candidate, wanted.campaign, wanted.also)
    conditions += ["m.id < %(before)s"] if before is not None else []
    conditions += [_OF_EMPLOYER] if wanted.employer is not None else []
    where = "WHERE " + " AND ".join([_SHOWN, *conditions])
    values = {**given, "before": before, "employer": wanted.employer, "limit": limit}
    found = await _read(conn, f"{_ROWS} {where} ORDER BY m.id DESC LIMIT %(limit)s", values)
    return found if wanted.employer is None else await _under_whom_they_stand(conn, found)


async def fetch(conn: Conn, id: int, *, employer: str | None = None) -> Message:
    """One message. Raises NotFound, also for one that the employer may not see."""
    condition = f" AND {_OF_EMPLOYER}" if employer is not None else ""
    query = f"{_ROWS} WHERE m.id = %(id)s AND {_SHOWN}{condition}"
    found = await _read(conn, query, {"id": id, "employer": employer})
    if not found:
        raise NotFound(f"there is no message {id} that this key may read")
    return found[0] if employer is None else (await _under_whom_they_stand(conn, found))[0]


async def _ids(conn: Conn, candidate: str, campaign: str | None, also: Sequence[JourneyKey]) -> dict[str, Any]:
    """All ids of whoever has this one, in the campaign or wherever they were merged, and of some others."""
    places = [campaign] if campaign is not None else await merging.campaigns_of(conn, candidate)
    own = await merging.of_persons(conn, [*((place, candidate) for place in places), *also])
    return {"candidate": candidate, "places": column([key[0] for key in own]), "ids": column([key[1] for key in own])}


async def _under_whom_they_stand(conn: Conn, found: list[Message]) -> list[Message]:
    """For employers, who know a person by the one id under which they stand."""
    heads = await merging.heads(conn, {(each.campaign, each.candidate) for each in found if each.candidate})
    return [
        replace(each, candidate=heads[each.campaign, each.candidate][1]) if each.candidate else each for each in found
    ]


async def _read(conn: Conn, query: str, values: Mapping[str, Any]) -> list[Message]:
    async with conn.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(query, values)
        rows = await cursor.fetchall()
    reader = await vault().reader(conn, {(row["campaign"], row["candidate"] or "") for row in rows})
    return [Message(**row) for row in sealed.opened_rows(reader, rows)]


async def timezone(conn: Conn, campaign: str) -> str:
    """The campaign's time zone, or the usual one where the campaign is not known."""
    cursor = await conn.execute("SELECT timezone FROM campaigns WHERE campaign = %s", [campaign])
    row = await cursor.fetchone()
    return str(row[0]) if row else DEFAULT_ZONE


async def attempts(conn: Conn, id: int, *, hidden: bool = False) -> list[dict[str, Any]]:
    """What was tried and what changed, the oldest first: `at`, `status`, `cause`, `detail`."""
    async with conn.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(_HISTORY, [id])
        rows = await cursor.fetchall()
    whose = [(row.pop("campaign"), row.pop("candidate")) for row in rows]
    reader = await vault().reader(conn, whose, hidden=hidden)
    return [
        {**row, "detail": reader.open_words(key, sealed.REASON, row["detail"])}
        for key, row in zip(whose, rows, strict=True)
    ]


async def mail(conn: Conn, id: int, *, hidden: bool = False) -> KeptMail | None:
    """The message as it went out; None when it hasn't, or was forgotten with somebody of whom it told, or tells of
    somebody who is restricted; those alone for `hidden` (see storage.vault.persons)."""
    row = await (await conn.execute(_MAIL, {"id": id, "hidden": hidden})).fetchone()
    if row is None:
        return None
    html, text, at, kept, whose, campaign = row
    if kept is None or html:  # of an earlier version
        return KeptMail(html, text, at)
    reader = await vault().reader(conn, [(campaign, candidate) for candidate in whose], hidden=hidden)
    return sealed.open_mail(reader, campaign, whose, bytes(kept), at)
