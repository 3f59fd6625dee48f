"""The kinds of value that facts are made of, each with its bounds and a message that says what to do."""

from __future__ import annotations

import math
import re
from datetime import date, datetime
from functools import cache
from typing import Annotated, Any, Final, Literal
from zoneinfo import available_timezones

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

MAX_ID = 200
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\u2028\u2029\ufffe\uffff]")
_UNPRINTABLE_BUT_LINES = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_DATE_TIME = re.compile(
    r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d{1,12})?(?P<offset>[Zz]|[+-]\d{2}:\d{2})?", re.ASCII
)
# One rule for what can be an address, looser than RFC 5321 on purpose: a fact is not lost over an odd address.
MAX_EMAIL = 254
EMAIL = re.compile(r'[^@\s,;:<>"()\\]{1,64}@[^@\s,;:<>"()\\/]{1,185}\.[^@\s,;:<>"()\\/.]{1,63}')
# Answers go there by a header of every mail: what every program can write in one, without quotes or other scripts.
_ATOM = r"[A-Za-z0-9!#$%&'*+/^_{|}~-]+"
_LABEL = "[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
REPLY_TO = re.compile(rf"(?=.{{1,{MAX_EMAIL}}}\Z){_ATOM}(?:[.]{_ATOM})*@{_LABEL}(?:[.]{_LABEL})+")
PHONE = re.compile(r"\+?[0-9][0-9 ()./-]{2,30}", re.ASCII)
URL = re.compile(r"https?://[^\s<>\"{}|\\^`]+")
URI_REFERENCE = re.compile(r"[^\s<>\"{}|\\^`]+")


def _fault(message: str) -> PydanticCustomError:
    return PydanticCustomError("value", message)


def printable(value: str) -> str:
    """Refuse control characters and lone surrogates, naming the first one and its place."""
    found = _UNPRINTABLE.search(value)
    if found:
        raise _fault(
            f"must not contain control characters or lone surrogates (U+{ord(found[0]):04X} at {found.start()})"
        )
    return value


def _prose(value: str) -> str:
    found = _UNPRINTABLE_BUT_LINES.search(value)
    if found:
        raise _fault(
            f"must not contain control characters or lone surrogates (U+{ord(found[0]):04X} at {found.start()})"
        )
    return value


def _trimmed(value: str) -> str:
    if value != value.strip():
        raise _fault("must not begin or end with a space")
    return printable(value)


def _matching(pattern: re.Pattern[str], message: str) -> Any:
    def check(value: str) -> str:
        if not pattern.fullmatch(value):
            raise _fault(message)
        return printable(value)

    return AfterValidator(check)


def parse_time(value: str) -> datetime:
    """An RFC 3339 date-time with its offset. Raises PydanticCustomError saying what is missing."""
    found = _DATE_TIME.fullmatch(value)
    if not found:
        raise _fault("must be a date-time such as 2026-03-08T09:30:00+08:00")
    if not found["offset"]:
        raise _fault("must carry an offset, such as +08:00 or Z")
    try:
        moment = datetime.fromisoformat(value.upper())
    except ValueError:
        raise _fault("is no date-time that exists") from None
    if not 1900 <= moment.year <= 9000:
        raise _fault("must lie between the years 1900 and 9000")
    return moment


def _time(value: str) -> str:
    parse_time(value)
    return value


def _date(value: str) -> str:
    if not _DATE.fullmatch(value):
        raise _fault("must be a date such as 2026-12-31")
    try:
        day = date.fromisoformat(value)
    except ValueError:
        raise _fault("is no date that exists") from None
    if not 1900 <= day.year <= 9000:
        raise _fault("must lie between the years 1900 and 9000")
    return value


def _finite(value: float) -> float:
    if not math.isfinite(value):
        raise _fault("must be a finite number")
    return value


@cache
def _time_zones() -> frozenset[str]:
    return frozenset(available_timezones())


def _time_zone(value: str) -> str:
    if value not in _time_zones():
        raise _fault("must be a time zone such as Asia/Shanghai")
    return value


def is_email(text: str) -> bool:
    """Whether a fact may have this as an e-mail address."""
    return len(text) <= MAX_EMAIL and EMAIL.fullmatch(text) is not None


Id = Annotated[str, Field(min_length=1, max_length=MAX_ID), AfterValidator(_trimmed)]
Text = Annotated[str, Field(min_length=1, max_length=500), AfterValidator(printable)]
Prose = Annotated[str, Field(max_length=4000), AfterValidator(_prose)]
Email = Annotated[
    str, Field(max_length=MAX_EMAIL), _matching(EMAIL, "must be an e-mail address such as li@example.com")
]
ReplyTo = Annotated[
    str,
    Field(max_length=MAX_EMAIL),
    _matching(REPLY_TO, "must be an e-mail address in plain letters, such as hr@park.example"),
]
Phone = Annotated[str, _matching(PHONE, "must be a telephone number such as +86 138 0000 0000")]
Url = Annotated[str, Field(max_length=2000), _matching(URL, "must be an http or https address")]
UriReference = Annotated[
    str,
    Field(min_length=1, max_length=MAX_ID),
    _matching(URI_REFERENCE, "must be a URI-reference such as /hr/huayou"),
]
Day = Annotated[str, Field(json_schema_extra={"format": "date"}), AfterValidator(_date)]
Time = Annotated[str, Field(json_schema_extra={"format": "date-time"}), AfterValidator(_time)]
TimeZone = Annotated[str, Field(examples=["Asia/Shanghai"]), AfterValidator(_time_zone)]
Amount = Annotated[float, Field(ge=0, le=1e15), AfterValidator(_finite)]
Goal = Annotated[float, Field(ge=1, le=1e15), AfterValidator(_finite)]
HeadCount = Annotated[int, Field(ge=0, le=1_000_000_000)]
Year = Annotated[int, Field(ge=1900, le=2200)]
Currency = Annotated[str, Field(pattern="^[A-Z]{3}$")]
Slug = Annotated[str, Field(pattern="^[a-z][a-z0-9_]{0,63}$")]

Locale = Literal["zh-CN", "en"]
CampaignKind = Literal["graduates", "professionals", "technicians", "projects"]
Mode = Literal["onsite", "online", "hybrid"]
Education = Literal["vocational", "associate", "bachelor", "master", "doctor"]
InterviewOutcome = Literal["passed", "failed", "pending"]
ConsentPurpose = Literal["employers", "marketing", "abroad", "keeping"]
Ground = Literal["law", "request", "dispute", "retention"]
SignupPage = Literal["open", "checked", "closed"]
Measure = Literal["signed_up", "attended", "interviewed", "offered", "accepted", "hired", "fairs_held", "paid"]
FUNNEL: Final = ("signed_up", "attended", "interviewed", "offered", "accepted", "hired")  # each implies those before it
BY_EMPLOYERS: Final = FUNNEL[2:]  # those that employers' own acts carry
WITHOUT_EMPLOYER: Final = FUNNEL[:2]
WhereKey = Literal["education", "school", "major", "graduation_year", "chain", "fair", "employer"]
