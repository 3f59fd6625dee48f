"""A portion of messages is claimed: what is due is locked, made into mails, and taken, all in one transaction.

What goes as soon as it is handed over begins with its claim, which saves a statement, and a version of each row. What
fails here certainly did not go out, and stands as it stood.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from notifications.sending.composing import Letter
from notifications.sending.gathering import MadeOf, letters_for
from notifications.sending.pacing import Pace, Room
from notifications.sending.preparing import prepare
from notifications.sending.recording import Portion
from notifications.sending.rendering import Renderer
from notifications.sending.route import Chance, Route
from notifications.sending.signed_links import load as load_links
from notifications.sending.situation import Left, NotNow, ToldWith, Writer
from schemas.kinds import GROUPED
from storage.campaigns import terms
from storage.database import Conn
from storage.messages import asking, claiming, sealed
from storage.messages.claiming import Claimed
from storage.messages.sealed import Sealed
from storage.vault.at_hand import ReadSoFar
from storage.vault.process import vault

MayBegin = Callable[[int], Awaitable[bool]]  # so many messages
_NO_ROOM: Final = "its domain has had its share"
GATHER_FOR: Final = timedelta(seconds=60)  # for which what goes together gathers, while others need the processor


@dataclass(slots=True)
class Claims:
    """Those of one sender, whose name is `owner`."""

    writer: Writer
    renderer: Renderer
    owner: str
    chance: Chance
    pace: Pace
    _gathers_until: dict[Route, datetime] = field(default_factory=dict)

    async def claim(self, conn: Conn, route: Route, limit: int, may_begin: MayBegin) -> Portion | None:
        """Up to `limit` messages that a route carries, as mails where they go; within a transaction. None where nothing
        is due, or none `may_begin`, which is waited for before any of them is taken."""
        began = self.chance.clock()
        room = Room(limit) if route.channel.keeps else await self.pace.room(conn, limit)
        found = await self._due(conn, route, room) if room.mails else []
        if not found:
            return None
        links = await load_links(conn, self.writer.base_url)
        writer = replace(self.writer, way=route.way)
        reading = ReadSoFar()
        letters = await letters_for(conn, found, writer, links, self.chance.clock(), reading=reading)
        draws = self.pace.is_set and not route.channel.keeps
        if draws:  # from what all senders share, and holds it from then on: so not while it waits
            if not await may_begin(len(found)):
                return None
            letters = await _paced(conn, self.pace, letters)
        claimed, letters = _without_left(found, letters)
        if not claimed:
            return None
        portion = self._portion(claimed, letters)
        portion.sealed = await _sealed(conn, portion, reading)
        portion.asks_from = began + timedelta(seconds=route.channel.lease / 2)
        if not draws and not await may_begin(len(found)):
            return None
        await self._take(conn, route, portion)
        return portion

    def _portion(self, claimed: Sequence[Claimed], letters: Sequence[MadeOf]) -> Portion:
        # By HR's own templates mails are made in another process, which is waited for: not here, where rows are locked.
        apart = any(isinstance(letter, Letter) and letter.own is not None for letter in letters)
        made = None if apart else prepare(self.renderer, claimed, letters)
        portion = Portion(claimed, letters, *(made or ([], [])))
        portion.made = made is not None
        return portion

    async def _take(self, conn: Conn, route: Route, portion: Portion) -> None:
        instead = [why.instead for why in portion.letters if isinstance(why, NotNow) and why.instead]
        await asking.request(conn, instead)
        going, channel = route.channel.at_once(portion.mails), route.channel
        begin, lease = set(portion.with_followers(going)), channel.lease
        taken = await claiming.take(conn, portion.claimed, begin, channel=channel.name, owner=self.owner, lease=lease)
        if broken := portion.broken(going, taken.begun):
            await claiming.take_back(conn, broken)
        portion.begun, portion.transaction = frozenset(taken.begun.difference(broken)), taken.transaction

    async def made(self, portion: Portion) -> Portion:
        """With its mails, where these are still to be made."""
        if portion.made:
            return portion
        mails, records = await asyncio.to_thread(prepare, self.renderer, portion.claimed, portion.letters)
        return Portion(portion.claimed, portion.letters, mails, records)

    async def _due(self, conn: Conn, route: Route, room: Room) -> list[Claimed]:
        only, but = await _campaigns(conn, route)
        if only is not None and not only:
            return []
        kinds = self._kinds(route)
        found = await claiming.due(conn, kinds, limit=room.mails, full=room.full, only=only, but=but)
        return found + await claiming.due_together(conn, found)

    def _kinds(self, route: Route) -> Sequence[str]:
        """A route's kinds, without those that go together while these gather: each portion of them is all that wait,
        and each would be a mail to the same reader."""
        if not self.chance.drain.goes_on:
            self._gathers_until.clear()
            return route.kinds
        alone = [kind for kind in route.kinds if kind not in GROUPED]
        now = self.chance.clock()
        if now < self._gathers_until.setdefault(route, now + GATHER_FOR):
            return alone
        del self._gathers_until[route]
        return route.kinds


async def _campaigns(conn: Conn, route: Route) -> tuple[set[str] | None, set[str]]:
    """The campaigns whose mail a route carries alone (None: any), and those whose mail it does not."""
    if route.way is None:
        return None, set()
    chosen = await terms.channels(conn)
    theirs = {campaign for campaign, way in chosen.items() if way == route.way}
    return (None, chosen.keys() - theirs) if route.usual else (theirs, set())


async def _sealed(conn: Conn, portion: Portion, reading: ReadSoFar) -> dict[int, Sealed]:
    """What is to be kept of the mails that tell of their own reader alone: their keys are at hand now."""
    alone = [mail for mail in portion.mails if len(portion.with_followers([mail])) == 1]
    whose = {each.id: (each.campaign, each.candidate or "") for each in portion.claimed}
    keeper = await vault().keeper(conn, {whose[mail.id] for mail in alone}, reading=reading)
    files = {each: sealed.packed(each) for each in {mail.attachments for mail in alone}}
    found = {}
    for mail in alone:
        said = sealed.mail_of(mail.subject, mail.as_json())
        reader = (mail.to, mail.subject)
        found[mail.id] = sealed.seal_before(keeper, whose[mail.id], reader, said, files[mail.attachments])
    return found


async def _paced(conn: Conn, pace: Pace, letters: Sequence[MadeOf]) -> list[MadeOf]:
    """The letters, where those wait whose domain has no room now, and those stay for which there is none at all."""
    places = [place for place, letter in enumerate(letters) if isinstance(letter, Letter)]
    fits, room = await pace.draw(conn, [letter.to for letter in letters if isinstance(letter, Letter)])
    paced = list(letters)
    for place, fit in zip(places, fits, strict=True):
        if not fit:
            paced[place] = _no_room(letters[place])
        elif room:
            room -= 1
        else:
            paced[place] = Left()
    return paced


def _no_room(letter: MadeOf) -> NotNow:
    why = NotNow("requested", _NO_ROOM)
    why.recipient = letter.to if isinstance(letter, Letter) else None
    return why


def _without_left(found: Sequence[Claimed], letters: Sequence[MadeOf]) -> tuple[list[Claimed], list[MadeOf]]:
    """Without those that stay as they are, and without what their mails would have told of."""
    left = {message.id for message, letter in zip(found, letters, strict=True) if isinstance(letter, Left)}
    pairs = [
        (message, letter)
        for message, letter in zip(found, letters, strict=True)
        if message.id not in left and not (isinstance(letter, ToldWith) and letter.leader in left)
    ]
    return [message for message, _ in pairs], [letter for _, letter in pairs]
