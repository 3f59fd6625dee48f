"""Facts into the ledger, sealed: for all who accept facts. Nothing personal reaches ledger or broker in the clear."""

from __future__ import annotations

from collections.abc import Sequence

from schemas.errors import InvalidFact
from schemas.facts import Fact
from storage.database import Conn
from storage.ledger import ledger
from storage.ledger.ledger import Identity
from storage.vault.process import vault


async def accept(conn: Conn, facts: Sequence[Fact], *, posted_by: str | None) -> dict[Identity, int]:
    """Seal facts and commit them to the ledger and the outbox, in one transaction; they must be unique by identity.
    Returns those that were new, with their numbers. Call `ledger.ring` once it is committed."""
    async with conn.transaction():
        return await ledger.append(conn, await _sealed(conn, facts), posted_by=posted_by)


async def accept_all(conn: Conn, facts: Sequence[Fact], posted_by: Sequence[str | None]) -> dict[Identity, int]:
    """The same for facts of several posters, within a transaction: who posted each."""
    return await ledger.append_all(conn, await _sealed(conn, facts), posted_by)


async def _sealed(conn: Conn, facts: Sequence[Fact]) -> Sequence[Fact]:
    """A dead letter that is posted again may come sealed, by us or by whoever wrote it. Raises InvalidFact."""
    return await vault().seal(conn, [_required(each) for each in await vault().accept(conn, facts)])


def _required(found: Fact | InvalidFact) -> Fact:
    if isinstance(found, InvalidFact):
        raise found
    return found
