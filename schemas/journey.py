"""A journey: what is known of one candidate in one campaign, in a form that facts merge into in any order.

Each part keeps the stamp (time, source, id) of its latest word, so that merging is commutative, associative
and idempotent: the fold over a set of facts is the same whatever their order and number. What has its default is left
out where they are stored (`storage/journeys/states.py`); none of them holds a cycle, so that nobody need look for one.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Final

import msgspec

from schemas.access import OWN
from schemas.retention import SOURCE

Stamp = tuple[int, str, str]  # microseconds since 1970, source, id
Micros = int
MOST_IDS: Final = 20  # of one person: each of their facts is folded with those of all of them


class Word(msgspec.Struct, omit_defaults=True, gc=False):
    """The latest word on something: what was said, and when and by which fact."""

    at: Stamp
    value: str | int | bool


class Interview(msgspec.Struct, omit_defaults=True, gc=False):
    """Interviews at one employer: the time of the first, the outcome that was told last."""

    first: Micros
    outcome: Word | None = None


class Offer(msgspec.Struct, omit_defaults=True, gc=False):
    """`status` is extended, accepted, declined or rescinded; `terms` is what was offered last."""

    status: Word
    terms: Terms | None = None


class Terms(msgspec.Struct, omit_defaults=True, gc=False):
    """What was offered. `salary`, `contact`, `document` and `papers` are the person's: in a journey that is read they
    come from the vault, and they are never stored with it."""

    at: Stamp
    employer: str
    position: str
    opening: str | None = None
    expires_at: str | None = None
    city: str | None = None
    salary: str | None = None
    start_on: str | None = None
    place: str | None = None
    contact: str | None = None
    document: str | None = None
    papers: str | None = None


class Hire(msgspec.Struct, omit_defaults=True, gc=False):
    """`status` is started or ended; `started_on` and `position` are those of the latest start."""

    status: Word
    started_on: Word | None = None
    position: Word | None = None


class Payment(msgspec.Struct, omit_defaults=True, gc=False):
    at: Micros
    amount: str


class Restriction(msgspec.Struct, omit_defaults=True, gc=False):
    """The latest word on whether the person is hidden: whether it `stands`, on which ground, until which day."""

    at: Stamp
    stands: bool
    ground: str | None = None
    until: str | None = None


class Member(msgspec.Struct, omit_defaults=True, gc=False):
    """One of several candidates who are one person: their own latest erasure, and whether they said nothing since."""

    cut: Micros | None = None
    erased: bool = False


RETENTION: Final = "retention"  # the ground of a restriction that the person's next word ends
CONSENT: Final = "consent"  # the attribute that a signup's own word of consent sets


def consents_of(purpose: str, employers: Iterable[str] | None = None) -> list[str]:
    """The attributes that hold a word of consent: to employers of all fairs, to those named, or to another purpose."""
    if purpose != "employers":
        return [f"{CONSENT}:{purpose}"]
    return [CONSENT] if employers is None else [f"{CONSENT}/{employer}" for employer in employers]


def consent_rank(word: Word) -> tuple[bool, Stamp]:
    """Of words of consent that were said under several ids of one person, the one of the highest rank holds: the
    latest, but that a no is overcome by the person's own yes alone. What others entered under another id knows nothing
    of the no."""
    return (word.value is not True or f"{word.at[1]}/".startswith(f"{OWN}/"), word.at)


KEEPING: Final = f"{CONSENT}:keeping"
ABROAD: Final = f"{CONSENT}:abroad"
_NEVER: Final[Stamp] = (-(2**63), "", "")


def is_consent(attribute: str) -> bool:
    """Whether an attribute is a word of consent to somebody or something named."""
    return attribute.startswith((f"{CONSENT}:", f"{CONSENT}/"))


class Journey(msgspec.Struct, omit_defaults=True, gc=False):
    """All that the facts of one candidate in one campaign say. Empty: nothing is known.

    `attributes` by name, those that are plain or kept; of personal ones `told` has the stamp of the latest word alone:
    what it says is in the vault. `cut`: the latest erasure; what was said before it is nobody's any more. `fairs` and
    `checkins` by fair, with the time of the first; `signups` by fair, all signups for it, the earliest first: a
    withdrawal that is learned of later may leave any of them; `left` by fair, the latest word that they don't come to
    that fair alone; `interviews` and `hires` by employer; `offers` by offer id; `benefits` by benefit id; `payments` by
    the paying fact's identity; `restriction`: the latest word on that.

    Where several candidates are one person, one of them carries the journey of all: `members` are they, itself among
    them, and what one's erasure cut is left out of it already. The others have `merged_into`, whose it is, and carry
    nothing that counts, only what is the vault's: `told`, their erasure, and whether the person is hidden.
    """

    attributes: dict[str, Word] = {}
    first_signup: Micros | None = None
    last_signup: Stamp | None = None
    withdrew: Stamp | None = None
    left: dict[str, Stamp] = {}
    fairs: dict[str, Micros] = {}
    signups: dict[str, list[Stamp]] = {}
    checkins: dict[str, Micros] = {}
    interviews: dict[str, Interview] = {}
    offers: dict[str, Offer] = {}
    hires: dict[str, Hire] = {}
    benefits: dict[str, Word] = {}
    payments: dict[str, Payment] = {}
    erased: bool = False
    told: dict[str, Stamp] = {}
    cut: Micros | None = None
    restriction: Restriction | None = None
    members: dict[str, Member] = {}
    merged_into: str | None = None

    def own(self, candidate: str) -> Member:
        """What was erased of this candidate, whose journey it is, beside those with whom they are one person."""
        return self.members.get(candidate) or Member(self.cut, self.erased)

    @property
    def hidden(self) -> Restriction | None:
        """The word by which the person is hidden now. Who was erased has nothing to hide. Who was hidden because their
        time was over, and signs up again or says that they want to be kept, is hidden no longer."""
        held = self.restriction
        if held is None or not held.stands or self.erased:
            return None
        return None if held.ground == RETENTION and held.at < self._wanted_at() else held

    def _wanted_at(self) -> Stamp:
        kept = self.attributes.get(KEEPING)
        return max(self.last_signup or _NEVER, kept.at if kept and kept.value is True else _NEVER)

    @property
    def last_contact(self) -> Micros | None:
        """When the person was last heard of: by what they or others said of their part in the campaign. That they no
        longer want to be kept, or are hidden, is none; that somebody shows them again is, save the clock."""
        words = [
            *(word for name, word in self.attributes.items() if name.startswith(CONSENT)),
            *(held.outcome for held in self.interviews.values()),
            *(offer.status for offer in self.offers.values()),
            *(hire.status for hire in self.hires.values()),
            *self.benefits.values(),
        ]
        kept = self.attributes.get(KEEPING)
        taken_back = kept if kept is not None and kept.value is not True else None
        moments = [word.at[0] for word in words if word is not None and word is not taken_back]
        moments += [at[0] for at in (self.last_signup, self.withdrew, *self.left.values()) if at is not None]
        held = self.restriction
        moments += [held.at[0]] if held is not None and not held.stands and held.at[1] != SOURCE else []
        moments += [*self.checkins.values(), *(held.first for held in self.interviews.values())]
        return max([*moments, *(paid.at for paid in self.payments.values())], default=None)

    @property
    def withdrawn(self) -> bool:
        """The latest withdrawal is later than the latest signup."""
        if self.withdrew is None:
            return False
        return self.last_signup is None or self.withdrew > self.last_signup

    def moment_after(self, now: datetime) -> datetime:
        """Now, but never before the latest word on whether they take part: what is said now comes after it, whatever
        the clocks say. `now`: aware."""
        words = (self.last_signup, self.withdrew, *self.left.values())
        latest = max((stamp[0] for stamp in words if stamp), default=0)
        return max(now, datetime.fromtimestamp((latest + 1) / 1_000_000, now.tzinfo))

    def in_line(self, fair: str) -> Stamp | None:
        """Where the candidate stands in a fair's line: the earliest signup for it that no withdrawal came after, and no
        erasure. None: the candidate takes no part in it."""
        if self.erased:
            return None
        if fair in self.fairs and fair not in self.signups and not self.withdrawn and fair not in self.left:
            return (self.fairs[fair], "", "")  # as the version before wrote it
        off, cut = self.signed_off(fair), self.cut
        for at in self.signups.get(fair, ()):
            if (off is None or at > off) and (cut is None or at[0] > cut):
                return at
        return None

    def signed_off(self, fair: str) -> Stamp | None:
        """The latest word that they don't come to this fair, or take no part at all."""
        left = self.left.get(fair)
        if left is None or self.withdrew is None:
            return left or self.withdrew
        return max(left, self.withdrew)

    def agreement(self, names: Iterable[str]) -> bool:
        """Whether the latest of these words of consent says yes; of who stands under several ids, see
        `consent_rank`."""
        words = [word for name in names if (word := self.attributes.get(name))]
        holds = max(words, key=lambda word: consent_rank(word) if self.members else (True, word.at), default=None)
        return holds is not None and holds.value is True

    def attribute(self, name: str) -> str | int | bool | None:
        """The latest value of an attribute such as `email` or `education`; None if never given."""
        word = self.attributes.get(name)
        return word.value if word else None
