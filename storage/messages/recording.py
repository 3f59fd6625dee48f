"""What became of messages that a sender had claimed, and the mails as they went out: all in one transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from datetime import datetime
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from schemas.kinds import TELLING_OF_SEATS
from schemas.messages import OFFER_TROUBLE, Attachment, Status, SuppressionKind, Written
from storage.arrays import Column, Value, blobs, column, cut, named, strung
from storage.database import Conn, in_transaction
from storage.ledger.ledger import JourneyKey
from storage.messages import offer_alerts, sealed, seat_words, statuses, suppressions
from storage.messages.sealed import Sealed
from storage.messages.suppressions import Wish
from storage.messages.transitions import TOLD_WITH, Cause
from storage.vault.keeping import Keeper
from storage.vault.process import vault

# A sender whose lease ended while it could not reach the database still knows best what became of its messages.
_OURS: Final = "m.owner = %(owner)s"
_TOLD: Final = "SELECT id, forgotten IS TRUE FROM messages WHERE id = ANY(%b) AND owner = %s ORDER BY id FOR UPDATE"
_BECAME: Final = "id, forgotten IS TRUE, kind"
_GIVEN: Final = f"""
SELECT given.*, {cut("sealed")} AS sealed, NULL::text AS note
FROM unnest(%(ids)s::bigint[], %(statuses)s::text[], %(causes)s::text[], %(reasons)s::text[], %(locales)s::text[],
            %(due)s::timestamptz[], %(sealed_at)s::int[], %(sealed_size)s::int[], %(addresses)s::bytea[],
            %(domains)s::bytea[], %(untried)s::bool[])
     AS given(id, status, cause, reason, locale, due, sealed_at, sealed_size, address, domain, untried)
"""
_READER: Final = """recipient = NULL, subject = NULL, sealed = CASE WHEN m.forgotten IS NOT TRUE THEN r.sealed END,
    address = CASE WHEN m.forgotten IS NOT TRUE THEN r.address END,
    domain = CASE WHEN m.forgotten IS NOT TRUE THEN r.domain END"""
_SAID: Final = f"""owner = NULL, lease_until = NULL, locale = r.locale, not_before = r.due, {_READER},
    sent_at = CASE WHEN r.status = 'sent' THEN coalesce(m.sent_at, now()) END,
    attempts = coalesce(m.attempts, 0) + CASE WHEN r.untried THEN -(m.begun_at IS NOT NULL)::int
                            WHEN m.begun_at IS NULL AND r.cause = 'outcome' AND r.status <> 'requested' THEN 1
                            ELSE 0 END"""
# Where the provider was quicker than the record, its word stands.
_KEEP_WORD: Final = f"""
UPDATE messages m SET owner = NULL, lease_until = NULL, locale = r.locale, sent_at = coalesce(m.sent_at, now()),
    {_READER}
FROM ({_GIVEN}) AS r WHERE m.id = r.id AND {_OURS}
RETURNING m.id, m.forgotten IS TRUE, m.kind
"""
_LOCK: Final = """
SELECT k.id, j.version FROM journeys j
JOIN unnest(%b::bigint[], %b::text[], %b::text[]) AS k(id, campaign, candidate) USING (campaign, candidate)
ORDER BY j.campaign, j.candidate FOR SHARE OF j
"""
# The files that an earlier version kept beside an earlier try go.
_MAILS: Final = f"""
WITH gone AS (DELETE FROM mail_attachments WHERE message = ANY(%(ids)s::bigint[]))
INSERT INTO mails (message, html, text, sealed, whose)
SELECT u.message, '', '', {cut("mails")}, u.whose::jsonb
FROM unnest(%(ids)s::bigint[], %(mails_at)s::int[], %(mails_size)s::int[], %(whose)s::text[])
     AS u(message, mails_at, mails_size, whose)
ON CONFLICT (message) DO UPDATE SET html = '', text = '', sealed = excluded.sealed, whose = excluded.whose, at = now()
"""


class Record(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What became of a claimed message. What is kept of it is `sealed` already, or is sealed now: `recipient`,
    `subject`, and as they went out `html`, `text` and `attachments`; `written`: the first two as JSON has them, where
    they were made so.

    `seen`: the journey (campaign, candidate, version) for whose sake it is held or cancelled; the message goes back
    to the others when that journey has changed meanwhile. `suppress`: why nothing is to go to its recipient again.
    `tells_of`: the messages that its mail tells of beside it. `untried`: it did not go, whether it had begun or not.
    """

    id: int
    status: Status
    cause: Cause = "outcome"
    reason: str | None = None
    recipient: str | None = None
    locale: str | None = None
    subject: str | None = None
    not_before: datetime | None = None
    html: str | None = None
    text: str | None = None
    written: Written | None = None
    attachments: tuple[Attachment, ...] = ()
    sealed: Sealed | None = None
    seen: tuple[str, str, int] | None = None
    suppress: SuppressionKind | None = None
    tells_of: tuple[int, ...] = ()
    untried: bool = False


async def record(conn: Conn, records: Sequence[Record], *, owner: str, kept: bool = False) -> None:
    """Store what became of messages that `owner` has claimed, all in one transaction. `kept`: storing them is what
    delivers them, so that a mail that tells of who was erased meanwhile is made anew, without them.

    A message that another sender has taken meanwhile, since the lease ended, is left to it.
    """
    if not records:
        return
    async with in_transaction(conn):
        records = sorted(await _still_held(conn, records), key=lambda each: each.id)  # as others lock them
        spoiled = await _spoiled(conn, records, owner)
        if kept and spoiled:
            records = _made_anew(records, spoiled)
        records = [replace(each, subject=None) if each.id in spoiled else each for each in records]
        whose = await _whose(conn, records)
        records = [each for each in records if not _is_to_seal(each) or each.id in whose]
        keeper = await vault().keeper(conn, whose.values())
        values = {**_columns(keeper, whose, records), "owner": owner}
        changed = await statuses.change(conn, _GIVEN, values, also=_SAID, only=_OURS, columns=_BECAME)
        words = await _words_kept(conn, values) if len(changed) < len(records) else []
        await _tell_of_offers(conn, _among(records, {id for id, *_ in changed}))
        lasting = _among(records, {id for id, forgotten, _ in [*changed, *words] if not forgotten})
        await suppressions.add(conn, _wishes(lasting))
        await _keep(conn, keeper, whose, [each for each in lasting if each.id not in spoiled])
        kinds = {id: kind for id, _, kind in [*changed, *words]}
        went = [each.id for each in records if each.status in WENT and kinds.get(each.id) in TELLING_OF_SEATS]
        if went:
            await seat_words.note(conn, went)


async def _spoiled(conn: Conn, records: Sequence[Record], owner: str) -> set[int]:
    """The mails that tell of somebody who was erased meanwhile. Those of whom one tells stand as they are from now on,
    until the transaction ends."""
    told_of = sorted({id for each in records for id in each.tells_of})
    if not told_of:
        return set()
    stand = {id for id, gone in await (await conn.execute(_TOLD, [told_of, owner])).fetchall() if not gone}
    return {each.id for each in records if not stand.issuperset(each.tells_of)}


async def _whose(conn: Conn, records: Sequence[Record]) -> dict[int, JourneyKey]:
    """Under whose keys what is not sealed yet of these is to be, and of what their mails tell."""
    wanted = [id for each in records if _is_to_seal(each) for id in (each.id, *each.tells_of)]
    return await sealed.whose(conn, wanted) if wanted else {}


def _is_to_seal(record: Record) -> bool:
    return record.sealed is None or record.reason is not None


async def _words_kept(conn: Conn, values: Mapping[str, Any]) -> list[tuple[int, bool, str]]:
    """Of those whose status did not change, as it was changed before."""
    return await (await conn.execute(_KEEP_WORD, values)).fetchall()


def _among(records: Sequence[Record], ids: Set[int]) -> list[Record]:
    return [each for each in records if each.id in ids]


def _made_anew(records: Sequence[Record], spoiled: Set[int]) -> list[Record]:
    """The records, where these mails and what is told in them wait once more."""
    waiting = spoiled | {id for each in records if each.id in spoiled for id in each.tells_of}
    again = Record(id=0, status="requested", cause="put_off", reason="somebody of whom it told was erased meanwhile")
    return [replace(again, id=each.id) if each.id in waiting else each for each in records]


def _wishes(records: Sequence[Record]) -> list[Wish]:
    """Addresses of which the channel said that nobody is there."""
    return [
        Wish(each.recipient, each.suppress, each.id, each.reason)
        for each in records
        if each.suppress and each.recipient
    ]


async def _keep(conn: Conn, keeper: Keeper, whose: Mapping[int, JourneyKey], records: Sequence[Record]) -> None:
    """The mails of those that went, or may have gone."""
    rows, files = [], {each: sealed.packed(each) for each in {each.attachments for each in records}}
    for each in records:
        if each.sealed is not None:
            mail = (each.sealed.mail, each.sealed.whose) if each.status in WENT else None
        else:
            mail = _sealed_now(keeper, whose, each, files[each.attachments]) if each.html is not None else None
        if mail is not None and mail[0] is not None:
            rows.append((each.id, *mail))
    if not rows:
        return
    told = {"ids": column([id for id, *_ in rows]), "whose": column([lives for *_, lives in rows])}
    await conn.execute(_MAILS, told | strung("mails", [mail for _, mail, _ in rows]))


def _sealed_now(
    keeper: Keeper, whose: Mapping[int, JourneyKey], record: Record, files: bytes
) -> tuple[bytes, str] | None:
    (campaign, own), others = whose[record.id], [whose[id][1] for id in record.tells_of]
    said = sealed.mail_of(record.subject, record.written or (record.html or "", record.text or ""))
    mail = sealed.seal_mail(keeper, campaign, {own, *others}, said, files)
    return (mail[0], sealed.written(mail[1])) if mail is not None else None


def _columns(keeper: Keeper, whose: Mapping[int, JourneyKey], records: Sequence[Record]) -> dict[str, Column]:
    columns: dict[str, list[Value]] = {
        "ids": [each.id for each in records],
        "statuses": [each.status for each in records],
        "causes": [each.cause for each in records],
        "reasons": [
            sealed.seal_reason(keeper, whose[each.id], each.cause, each.reason) if each.reason else None
            for each in records
        ],
        "locales": [each.locale for each in records],
        "due": [each.not_before for each in records],
        "untried": [each.untried for each in records],
    }
    readers = [_reader(keeper, whose, each) for each in records]
    return (
        named(columns)
        | strung("sealed", [reader for reader, _, _ in readers])
        | {
            "addresses": blobs([address for _, address, _ in readers]),
            "domains": blobs([domain for _, _, domain in readers]),
        }
    )


def _reader(
    keeper: Keeper, whose: Mapping[int, JourneyKey], record: Record
) -> tuple[bytes | None, bytes | None, bytes | None]:
    """To whom a message went and its subject, sealed, and by what its address and its domain are found."""
    if record.sealed is not None:
        return record.sealed.reader, record.sealed.address, record.sealed.domain
    to = record.recipient
    found = (keeper.address(to), keeper.domain(sealed.domain_of(to))) if to else (None, None)
    return (sealed.seal_reader(keeper, whose[record.id], to, _subject(record)), *found)


def _subject(record: Record) -> str | None:
    """What tells of several persons is kept in the mail alone, under the keys of all."""
    told_elsewhere = record.reason is not None and record.reason.startswith(TOLD_WITH)
    return None if record.tells_of or told_elsewhere else record.subject


async def _still_held(conn: Conn, records: Sequence[Record]) -> Sequence[Record]:
    """The records, where those held or cancelled for a journey that has changed are requested again.

    The journeys stay locked until all is stored: what changes them later finds the message as it is
    recorded, and releases it.
    """
    seen = {each.id: each.seen for each in records if each.seen is not None}
    if not seen:
        return records
    columns = [list(seen), [campaign for campaign, _, _ in seen.values()], [name for _, name, _ in seen.values()]]
    cursor = await conn.execute(_LOCK, columns)
    changed = {id for id, version in await cursor.fetchall() if version != seen[id][2]}
    return [_again(each) if each.id in changed else each for each in records]


def _again(record: Record) -> Record:
    return replace(record, status="requested", cause="put_off", reason="its candidate's journey changed meanwhile")


async def _tell_of_offers(conn: Conn, records: Sequence[Record]) -> None:
    troubled = [each.id for each in records if each.status in OFFER_TROUBLE]
    if troubled:
        await offer_alerts.tell_hr(conn, troubled, OFFER_TROUBLE)


WENT: Final[tuple[Status, ...]] = ("sent", "unknown")  # or may have gone
