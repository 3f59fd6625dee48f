"""Campaigns' own templates, version by version, and the kinds of message that a campaign does not send."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from psycopg.rows import class_row

from schemas.errors import Conflict
from schemas.messages import Parts
from storage.database import Conn

TemplateKey = tuple[str, str, str]  # campaign, kind, locale
Switch = tuple[str, str]  # campaign, kind

_ROWS: Final = "SELECT id, campaign, kind, locale, subject, content, footer, by, at FROM template_versions"
_LATEST: Final = f"""
SELECT * FROM (
    SELECT DISTINCT ON (campaign, kind, locale) * FROM ({_ROWS} WHERE campaign = ANY(%s)) AS known
    ORDER BY campaign, kind, locale, id DESC
) AS latest WHERE subject IS NOT NULL
"""
_SAVE: Final = """
INSERT INTO template_versions (campaign, kind, locale, subject, content, footer, by) VALUES (%s, %s, %s, %s, %s, %s, %s)
"""
_SWITCH: Final = """
INSERT INTO kind_switches (campaign, kind, off, by) VALUES (%s, %s, %s, %s)
ON CONFLICT (campaign, kind) DO UPDATE SET off = excluded.off, by = excluded.by, at = now()
"""
_MOST_VERSIONS: Final = 100


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a template; without parts (`subject` None): that the default was taken up again."""

    id: int
    campaign: str
    kind: str
    locale: str
    subject: str | None
    content: str | None
    footer: str | None
    by: str
    at: datetime

    @property
    def key(self) -> TemplateKey:
        return (self.campaign, self.kind, self.locale)

    @property
    def parts(self) -> Parts | None:
        return None if self.subject is None else Parts(self.subject, self.content or "", self.footer or "")


async def latest(conn: Conn, campaigns: Collection[str]) -> dict[TemplateKey, Version]:
    """The campaigns' own templates that count now."""
    async with conn.cursor(row_factory=class_row(Version)) as cursor:
        await cursor.execute(_LATEST, [sorted(campaigns)])
        return {version.key: version for version in await cursor.fetchall()}


async def history(conn: Conn, key: TemplateKey) -> list[Version]:
    """The versions of a template, the newest first."""
    async with conn.cursor(row_factory=class_row(Version)) as cursor:
        where = "WHERE (campaign, kind, locale) = (%s, %s, %s) ORDER BY id DESC LIMIT %s"
        await cursor.execute(f"{_ROWS} {where}", [*key, _MOST_VERSIONS])
        return await cursor.fetchall()


async def save(conn: Conn, key: TemplateKey, parts: Parts | None, *, by: str, after: int | None) -> None:
    """Keep a new version; None: the default again. `after`: the version that its author began with, None for the
    default. Raises Conflict when there is a newer one."""
    async with conn.transaction():
        await conn.execute("SELECT pg_advisory_xact_lock(hashtext('yinfeng.templates'))")
        found = await history(conn, key)
        if (found[0].id if found else None) != after:
            raise Conflict("somebody saved another version meanwhile; look at it, then save yours again")
        own = (parts.subject, parts.content, parts.footer) if parts else (None, None, None)
        await conn.execute(_SAVE, [*key, *own, by])


async def off(conn: Conn, campaigns: Collection[str]) -> set[Switch]:
    """The kinds that these campaigns do not send."""
    cursor = await conn.execute(
        "SELECT campaign, kind FROM kind_switches WHERE campaign = ANY(%s) AND off", [sorted(campaigns)]
    )
    return {(campaign, kind) for campaign, kind in await cursor.fetchall()}


async def switch(conn: Conn, campaign: str, kind: str, *, off: bool, by: str) -> None:
    """Send a kind of message in a campaign, or no more."""
    await conn.execute(_SWITCH, [campaign, kind, off, by])
