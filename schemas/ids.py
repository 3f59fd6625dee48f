"""Ids that would tell who somebody is. Ids stand in keys, links, logs and lists as long as facts do, sealed nowhere:
what looks like a telephone number, an e-mail address or the number of an identity card may be none.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection
from datetime import date
from typing import Final

from schemas.errors import FieldError
from schemas.facts import Fact
from schemas.fields import is_email

_MAY_BE: Final = re.compile("[^\x00-\x1f\x7f]{1,200}")
_IDS: Final = ("candidate", "offer", "benefit")  # the keys of a fact's data that name what is one person's
# Neither letters nor digits beside it: parts of longer numbers and of random hexadecimal ids are no telephone numbers.
_MOBILE: Final = re.compile(r"(?<![0-9A-Za-z])(\+?(00)?86[- ]?)?1[3-9][0-9][- ]?[0-9]{4}[- ]?[0-9]{4}(?![0-9A-Za-z])")
_ABROAD: Final = re.compile(r"(?<![0-9A-Za-z])\+[1-9][0-9 ()-]{6,16}[0-9](?![0-9A-Za-z])")
# Nearly all ids are told by one look at their bytes: what is no digit and no @ is alike, what stands between the digits
# of numbers is left out.
_ALIKE: Final = bytes(
    each if each == ord("@") else ord("0" if chr(each) in "0123456789" else "x") for each in range(256)
)
_BETWEEN: Final = b" ()-"
_NUMBER: Final = b"00000000"
# Then by these, where ids have dates or many zeros: nothing that is searched for below is without one of them.
_MAYBE_MOBILE: Final = re.compile(r"1[3-9][0-9][- ]?[0-9]{4}[- ]?[0-9]{4}")
_MAYBE_CARD: Final = re.compile(r"[0-9]{17}")
_CARD: Final = re.compile(r"(?<![0-9A-Za-z])[1-9][0-9]{16}[0-9Xx](?![0-9A-Za-z])")
_WEIGHTS: Final = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECKS: Final = "10X98765432"
# With these a person with such an id, of before they were refused, can still be put right and be erased.
_EXEMPT: Final = frozenset({"fact.retracted", "candidate.erased"})


def may_be_id(text: str) -> bool:
    """Whether what stands in an address could be an id at all, and the database be asked for it."""
    return _MAY_BE.fullmatch(text) is not None


def telling(fact: Fact) -> FieldError | None:
    """What is wrong with an id of this fact that says who a person is, without the id itself."""
    if fact.type in _EXEMPT:
        return None
    data, whole = fact.data, fact.id
    for name in _IDS:
        if name in data:
            whole = f"{whole}\n{data[name]}"
    if whole.isascii() and not _may_tell(whole):
        return None
    for field, given in (("id", fact.id), *((f"data.{name}", data[name]) for name in _IDS if name in data)):
        if what := looks_like(given):
            return FieldError(
                field, f"looks like {what}; ids are no secret, so give one that tells nothing of a person"
            )
    return None


def none_tells(facts: Collection[Fact]) -> bool:
    """Whether certainly no id of these facts says who a person is: looked at together, since most don't. No says
    nothing."""
    ids = [fact.id for fact in facts]
    for name in _IDS:
        ids += [fact.event["data"].get(name, "") for fact in facts]
    whole = "\n".join(ids)
    return whole.isascii() and not _may_tell(whole)


def looks_like(given: str) -> str | None:
    """What personal number or address stands in an id, in words; None where none does."""
    text = given if given.isascii() else unicodedata.normalize("NFKC", given)
    if not _may_tell(text):
        return None
    if "@" in text and any(is_email(part) for part in re.split(r"[:/\s]", text)):
        return "an e-mail address"
    if _MOBILE.search(text) or _ABROAD.search(text):
        return "a telephone number"
    if any(_is_card(found[0]) for found in _CARD.finditer(text)):
        return "the number of an identity card"
    return None


def _may_tell(text: str) -> bool:
    """Whether there may be an address or eight digits of one number in it; no is certain."""
    shape = text.encode("utf-8", "replace").translate(_ALIKE, _BETWEEN)
    if _NUMBER not in shape:
        return b"@" in shape
    return "@" in text or "+" in text or bool(_MAYBE_MOBILE.search(text) or _MAYBE_CARD.search(text))


def _is_card(number: str) -> bool:
    """Whether 18 digits are such a number: they hold a day of birth, and the last follows from the others."""
    try:
        born = date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    except ValueError:
        return False
    total = sum(int(digit) * weight for digit, weight in zip(number, _WEIGHTS, strict=False))
    return 1900 <= born.year <= 2100 and _CHECKS[total % 11] == number[-1].upper()
