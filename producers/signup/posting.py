"""A public form becomes facts, by the same way as all others. Who is known, and who is not, goes the same way."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from psycopg_pool import AsyncConnectionPool

from producers.bell import FactsBell
from producers.committing import Committing
from schemas.errors import Conflict, TooMany
from schemas.facts import Fact
from schemas.journey import Journey
from schemas.messages import SIGNUP_CHECK, MessageRequest, dedupe_key
from schemas.signing_up import Sent, facts
from storage.access import throttles
from storage.database import Conn, borrowed
from storage.journeys import journeys, unconfirmed
from storage.journeys.addresses import Addresses
from storage.ledger import ledger, posters
from storage.messages import asking
from storage.messages.link_secret import load_secret
from storage.vault.process import vault

POSTED_BY: Final = "page:signup"
CHECKS: Final = 5  # mails to one address, in
HOUR: Final = timedelta(hours=1)
_ANOTHERS: Final = "this form was sent already, for another address"
_BYTES: Final = 2000  # of a signup, about

# Lets somebody who signed up again have their ticket again: campaign, candidate, fair.
Again = Callable[[str, str, str | None], Awaitable[None]]


@dataclass(slots=True)
class Counter:
    """What signing people up takes. `clock`: aware."""

    pool: AsyncConnectionPool[Conn]
    committing: Committing
    bell: FactsBell
    clock: Callable[[], datetime]
    _secret: bytes = b""

    async def secret(self) -> bytes:
        """The installation's."""
        if not self._secret:
            async with borrowed(self.pool) as conn:
                self._secret = await load_secret(conn)
        return self._secret

    async def sign_up(self, sent: Sent) -> str | None:
        """Commit what a form says. The candidate, where something new was said: the same form sent twice says it
        once. Raises Conflict where the form's name is taken by what was typed for another address: nothing is said."""
        _require_good(sent)
        candidate, journey = await self._person(sent)
        said = facts(sent, candidate, journey)
        new = await self.committing.append(said, posted_by=POSTED_BY, size=_BYTES * len(said))
        self.bell.ring()
        if not new and await self._is_anothers(said, candidate):
            raise Conflict(_ANOTHERS)
        return candidate if new else None

    async def _is_anothers(self, said: Sequence[Fact], candidate: str) -> bool:
        async with borrowed(self.pool) as conn:
            return any(fact.candidate != candidate for fact in await ledger.named(conn, [said[0].identity]))

    async def ask(self, sent: Sent) -> None:
        """Have the address confirmed by a link before anything is said; what was typed waits for it. Whoever asks too
        often learns nothing of it. Raises Conflict, as `sign_up` does."""
        _require_good(sent)
        await self._require_unspent(sent)
        candidate, _ = await self._person(sent)
        key = dedupe_key(SIGNUP_CHECK, sent.campaign, candidate, [sent.name])
        further = {"fair": sent.fair, "abroad": bool(sent.values.get("abroad")) or None}
        said = {name: value for name, value in further.items() if value is not None}
        params = {"locale": sent.lang, "signup": sent.name, **said}
        typed = {"values": sent.values, "employers": list(sent.employers), "lang": sent.lang, "fair": sent.fair}
        async with borrowed(self.pool) as conn:
            writes = await _may_write(conn, f"check:{sent.campaign}:{candidate}")
            async with conn.transaction():  # kept though nobody is written to: what was worked for it is spent
                new = await unconfirmed.keep(conn, sent.name, sent.campaign, candidate, typed)
                if not new and await unconfirmed.fetch(conn, sent.name, sent.campaign, candidate) is None:
                    raise Conflict(_ANOTHERS)
                if new and writes:
                    await asking.request(conn, [MessageRequest(SIGNUP_CHECK, key, sent.campaign, candidate, params)])

    async def _require_unspent(self, sent: Sent) -> None:
        """Raises Conflict where the form's name was used for another address: before that address is noted."""
        async with borrowed(self.pool) as conn:
            typed = await unconfirmed.named(conn, sent.name)
        if typed is not None and typed["values"]["email"] != sent.values["email"]:
            raise Conflict(_ANOTHERS)

    async def _person(self, sent: Sent) -> tuple[str, Journey]:
        """Who it is, by the address. A person who was erased, or has another address by now, is not the same; nor is
        one who has only written this address on their own page."""
        addresses, address = Addresses(await self.secret()), sent.values["email"]
        fresh = f"c-{secrets.token_hex(8)}"
        async with borrowed(self.pool) as conn:
            candidate = await addresses.claim(conn, sent.campaign, address, fresh)
            key = (sent.campaign, candidate)
            head, stored = (await journeys.carried(conn, [key]))[key]
            journey = stored.journey
            await vault().embody(conn, {head: journey}, hidden=True)
            _, *said = journey.told.get("email", (0, "", ""))
            written = await posters.wrote_themselves(conn, (said[0], said[1]))
            if _is_theirs(journey, address) and not written:
                return candidate, journey
            await addresses.move(conn, sent.campaign, address, fresh)
            return fresh, Journey()


async def _may_write(conn: Conn, name: str) -> bool:
    try:
        await throttles.attempt(conn, name, CHECKS, HOUR)
    except TooMany:
        return False
    return True


def _require_good(sent: Sent) -> None:
    """Of somebody who is known less is said: what is wrong with the rest is told all the same. Raises InvalidFact."""
    facts(sent, "c-", Journey())


def _is_theirs(journey: Journey, address: str) -> bool:
    known = journey.attribute("email")
    return not journey.erased and (known is None or str(known).lower() == address.lower())


def employers_of(row: dict[str, object] | None) -> tuple[str, ...]:
    """The employers that a fair's stored row names."""
    named = row.get("employers") if row else None
    return tuple(map(str, named)) if isinstance(named, Sequence) and not isinstance(named, str) else ()
