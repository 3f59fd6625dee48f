"""Who may be merged: nobody with who was erased, nor into a person of a great many ids, who would cost at each fact of
theirs what a campaign costs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final

from producers.permissions import Fault
from schemas.facts import Fact
from schemas.journey import MOST_IDS
from storage.database import Conn
from storage.journeys import merging
from storage.ledger import ledger
from storage.ledger.ledger import JourneyKey
from storage.vault import erasing

MERGES: Final = "candidate.merged"
ERASES: Final = "candidate.erased"
BEGINS: Final = "candidate.signed_up"  # another life of who was erased
ERASED: Final = "names who was erased: nothing is known any more of whom they were"
TOO_MANY: Final = Fault(
    "data.into", f"would make a person of more than {MOST_IDS} ids, which is as many as one has at most"
)
Members = Mapping[JourneyKey, Sequence[JourneyKey]]


async def faults(conn: Conn, facts: Iterable[Fact]) -> dict[tuple[str, str], Fault]:
    """Which of these facts would merge who may not be, by identity. They are taken one after the other: who is erased
    by one of them can't be merged by a later one, but may have been by an earlier one. What was accepted before merges
    and erases nobody: it is a duplicate, whatever became of them since."""
    together = list(facts)
    if not any(fact.type == MERGES for fact in together):
        return {}
    known = await ledger.numbers(conn, [fact.identity for fact in together if fact.type in (MERGES, ERASES)])
    anew = {fact.identity: fact for fact in together if fact.identity not in known}
    words = [fact for fact in anew.values() if fact.type == MERGES]
    of_erased = await _of_erased(conn, words) | erased_before(anew.values())
    return of_erased | await _crowded(conn, [word for word in words if word.identity not in of_erased])


async def _crowded(conn: Conn, words: list[Fact]) -> dict[tuple[str, str], Fault]:
    named = {(word.campaign, each) for word in words for each in (str(word.candidate), word.data["into"])}
    return crowding(words, await merging.members(conn, named)) if words else {}


def crowding(words: Iterable[Fact], members: Members) -> dict[tuple[str, str], Fault]:
    """Which of these words, taken one after the other, would give a person too many ids; `members`: all ids of
    each whom they name."""
    persons = {key: set(own) for key, own in members.items()}
    found: dict[tuple[str, str], Fault] = {}
    for word in words:
        one, other = (persons[word.campaign, each] for each in (str(word.candidate), word.data["into"]))
        together = one | other
        if len(together) > MOST_IDS and one != other:
            found[word.identity] = TOO_MANY
        else:
            persons |= dict.fromkeys(together & persons.keys(), together)
    return found


def erased_before(facts: Iterable[Fact]) -> dict[tuple[str, str], Fault]:
    """Which of these facts, taken one after the other, would merge whom one before them erased. A signup begins another
    life if it was said later."""
    gone: dict[JourneyKey, datetime] = {}
    found: dict[tuple[str, str], Fault] = {}
    for fact in facts:
        key = (fact.campaign, fact.candidate or "")
        if fact.type == ERASES:
            gone[key] = max(fact.time, gone.get(key, fact.time))
        elif fact.type == BEGINS and key in gone and fact.time > gone[key]:
            del gone[key]
        elif fact.type == MERGES:
            named = {"candidate": key, "into": (fact.campaign, fact.data["into"])}
            if of_erased := [field for field, each in named.items() if each in gone]:
                found[fact.identity] = Fault(f"data.{of_erased[0]}", ERASED)
    return found


async def _of_erased(conn: Conn, words: list[Fact]) -> dict[tuple[str, str], Fault]:
    """Which facts would have somebody be one person with who was erased, by identity, with the field that names
    them."""
    named = {
        fact.identity: {"candidate": (fact.campaign, fact.candidate or ""), "into": (fact.campaign, fact.data["into"])}
        for fact in words
    }
    gone = await erasing.gone(conn, {key for keys in named.values() for key in keys.values()}) if named else set()
    return {
        identity: Fault(f"data.{field}", ERASED)
        for identity, keys in named.items()
        for field, key in keys.items()
        if key in gone
    }
