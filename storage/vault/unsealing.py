"""A fact as it was said, as far as the keys that are at hand open it. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from schemas.errors import CannotOpen, FieldError, InvalidFact
from schemas.facts import Fact, build_fact, validate_event
from schemas.sealed import SEALED, seal_of
from storage.ledger.ledger import JourneyKey
from storage.vault.entry import EntryOpener
from storage.vault.keys import PersonKey
from storage.vault.sealing import unseal, without


def whose(fact: Fact) -> JourneyKey:
    """Whose key a fact is sealed under; what names no candidate is the campaign's own."""
    return (fact.campaign, fact.candidate or "")


def opened(fact: Fact, keys: Mapping[JourneyKey, PersonKey], *, hidden: bool) -> Fact:
    """The fact as it was said; without its seal where its person was erased since, or is restricted and it is not for
    `hidden` eyes. Raises CannotOpen."""
    key, held = keys.get(whose(fact)), seal_of(fact.event)
    if held is None:
        return fact
    if key is None:
        raise CannotOpen(f"the fact {fact.id} of {fact.source} is sealed under a key that never was here")
    if key.key is None or held.life < key.life or (key.hidden and not hidden):
        return unsealed(fact)
    return build_fact(unseal(fact.event, key.key))


def as_said(fact: Fact, keys: Mapping[JourneyKey, PersonKey]) -> Fact:
    """The same for what keeps the vault itself; without a seal that can't be opened."""
    return opened(fact, keys, hidden=True) if is_of_this_life(fact, keys) else unsealed(fact)


def unsealed(fact: Fact) -> Fact:
    """The fact without its seal and what is in it."""
    return build_fact(without(fact.event, [f"@{SEALED}"]))


def entered(opener: EntryOpener, fact: Fact) -> Fact | InvalidFact:
    """What was sealed with the platform's public key, which anybody may have: checked as what comes in the clear."""
    try:
        return validate_event(opener.open(fact.event))
    except CannotOpen as error:
        return InvalidFact([FieldError(SEALED, str(error))], id=fact.id)
    except InvalidFact as error:
        return error


def is_of_this_life(fact: Fact, keys: Mapping[JourneyKey, PersonKey]) -> bool:
    """Whether a fact is sealed under its person's present key."""
    key = keys.get(whose(fact))
    try:
        held = seal_of(fact.event)
        if key is None or key.key is None or held is None or held.life != key.life:
            return False
        unseal(fact.event, key.key)
    except CannotOpen:
        return False
    return True
