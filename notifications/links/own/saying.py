"""What candidates say on their own page, as facts."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from notifications.links.opening import GONE, Door, fact
from notifications.links.own.reading import CORRECTABLE, Own, agreed, attributes
from schemas import consents
from schemas.access import OWN
from schemas.errors import Conflict, NotFound
from schemas.facts import Fact
from schemas.journey import CONSENT
from storage.database import Conn, borrowed
from storage.journeys import addresses
from storage.ledger import ledger
from storage.messages import by_link
from storage.vault.accepting import accept
from storage.vault.process import vault

OwnFact = tuple[
    str, dict[str, Any]
]  # a type and its data, campaign left out, and the candidate unless it is another id
WAIT: Final = 2.0  # seconds that an answer waits for its facts to be applied
_LOOK_EVERY: Final = 0.05
PURPOSES: Final = ("employers", "marketing", "abroad")
ERASURE: Final = "candidate.erased"
ASKED: Final = "request"  # the ground of a restriction that is the person's own to lift
_TRIES: Final = 10  # of things that are said side by side


async def say(door: Door, own: Own, said: Sequence[OwnFact]) -> bool:
    """Commit what somebody says of themselves. Whether it is applied already. Raises InvalidFact, Conflict, TooMany;
    NotFound where they are about to be erased: whatever they say now, nobody would know of whom."""
    door.limit.take(own.message.nonce)
    async with borrowed(door.pool) as conn:
        numbers, left = [], list(said)
        for _ in range(_TRIES):
            new, left = await _append(conn, own, left)
            numbers += new
            if not left:
                break
        await ledger.ring(conn)
    if left:
        raise Conflict("too much is said at once; send it again")
    return await _applied(door, numbers)


async def _append(conn: Conn, own: Own, said: Sequence[OwnFact]) -> tuple[list[int], list[OwnFact]]:
    """The numbers of what is new, and what is still to be said: something else has taken its name at the same moment.
    What is known by its name already, and says the same, is a form that came twice."""
    message = own.message
    before = await by_link.said(conn, OWN, message.campaign, message.candidate)
    made = [_made(own, before.count + nth, *each) for nth, each in enumerate(said, start=1)]
    async with conn.transaction():
        new = await accept(conn, made, posted_by=f"link:{message.id}")
        # Only now: who erases them has committed that, or waits for this.
        if any(type != ERASURE for type, _ in said) and await ledger.waits_to_be_erased(
            conn, (message.campaign, message.candidate)
        ):
            raise NotFound(GONE)
    twice = [each.identity for each in made if each.identity not in new]
    there = await vault().open(conn, await ledger.named(conn, twice), hidden=True) if twice else []
    known = {each.identity: (each.type, each.data) for each in there}
    left = [
        each
        for each, fact in zip(said, made, strict=True)
        if fact.identity in known and known[fact.identity] != (fact.type, fact.data)
    ]
    return list(new.values()), left


def _made(own: Own, nth: int, type: str, data: Mapping[str, Any]) -> Fact:
    return fact(type, own.message, data, source=OWN, nth=nth, time=own.journey.moment_after(own.situation.now))


async def _applied(door: Door, numbers: Sequence[int]) -> bool:
    for _ in range(int(WAIT / _LOOK_EVERY)):
        async with borrowed(door.pool) as conn:
            if len(await ledger.fates(conn, numbers)) == len(numbers):
                return True
        await asyncio.sleep(_LOOK_EVERY)
    return False


def signing_off(fair: str = "") -> list[OwnFact]:
    """They take no further part; or don't come to this fair."""
    return [("candidate.withdrew", {"fair": fair} if fair else {})]


def signing_up(own: Own, fair: str) -> list[OwnFact]:
    """They take part after all."""
    return [("candidate.signed_up", {"name": _name(own), "fair": fair})]


def correcting(own: Own, values: Mapping[str, Any]) -> list[OwnFact]:
    """What they said of themselves, as it is right; only what changed. Raises Conflict where nothing can be said."""
    if own.journey.withdrawn:
        raise Conflict("who takes no part has nothing to correct; sign up again first")
    known = attributes(own)
    changed = {name: values[name] for name in CORRECTABLE if name in values and values[name] != known.get(name)}
    if not changed:
        return []
    # A fair in whose line they are anyway: to say it once more asks for no mail, and brings no seat back.
    fair = next((each for each in own.journey.fairs if own.journey.in_line(each) is not None), None)
    where = {"fair": fair} if fair is not None else {}
    return [("candidate.signed_up", {"name": _name(own), **changed, **where})]


def require_address(own: Own, address: str | None) -> None:
    """Raises InvalidFact where this is no address; Conflict as `correcting` does."""
    for type, data in correcting(own, {} if address is None else {"email": address}):
        _made(own, 1, type, data)


def agreeing(own: Own, wanted: Mapping[str, bool], lang: str) -> list[OwnFact]:
    """The words of consent that changed. To agree again is to agree for all fairs; to take it back takes all back."""
    said: list[OwnFact] = []
    before = agreed(own)
    for purpose in PURPOSES:
        if purpose not in wanted or wanted[purpose] == before[purpose]:
            continue
        if wanted[purpose]:
            words = "employers_of_all" if purpose == "employers" else purpose
            said.append(("consent.given", {"purpose": purpose, "text": consents.read(words, lang)}))
            continue
        said.append(("consent.withdrawn", {"purpose": purpose}))
        named = [name.partition("/")[2] for name in own.journey.attributes if name.startswith(f"{CONSENT}/")]
        if purpose == "employers" and named:
            said.append(("consent.withdrawn", {"purpose": purpose, "employers": sorted(named)[:1000]}))
    return said


def erasing(own: Own, ids: Collection[str]) -> list[OwnFact]:
    """They want to be forgotten; who stands under several ids, under these of them."""
    members = own.journey.members
    if not members:
        return [(ERASURE, {})]
    return [(ERASURE, {"candidate": each}) for each in sorted(members.keys() & set(ids))]


def hiding() -> list[OwnFact]:
    """They want to be hidden."""
    return [("candidate.restricted", {"ground": ASKED})]


def showing(own: Own) -> list[OwnFact]:
    """They want to be hidden no longer. Raises Conflict where others hide them."""
    held = own.journey.hidden
    if held is not None and held.ground != ASKED:
        raise Conflict("this is not theirs to lift")
    return [("candidate.restriction_lifted", {})] if held is not None else []


def staying(lang: str) -> list[OwnFact]:
    """They want to be kept."""
    return [("consent.given", {"purpose": "keeping", "text": consents.read("keeping", lang)})]


def _name(own: Own) -> str:
    return str(own.journey.attribute("name") or own.message.candidate)


async def leave_address(door: Door, own: Own) -> None:
    """The address of before is no longer theirs. The new one is nobody's as yet: who has only written an address has
    not shown that they read what goes there."""
    async with borrowed(door.pool) as conn:
        await addresses.leave(conn, own.message.campaign, own.message.candidate)
