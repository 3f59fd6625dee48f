"""Hypothesis strategies for events, drawn from the catalogue: a new fact type is covered without a change here.

`events()` are any valid events; `worlds()` are small worlds in which everything has to do with everything: few
campaigns, candidates, offers, employers and fairs, equal times, the same identity saying something else,
retractions of what is there, of what comes later and of what never comes, erasures, withdrawals.
"""

from __future__ import annotations

import types
from collections.abc import Callable
from datetime import date, datetime, timedelta, timezone
from functools import cache
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from hypothesis import strategies as st

from schemas import fields
from schemas.catalogue import CATALOGUE
from schemas.data import Data
from schemas.errors import InvalidFact
from schemas.facts import validate_event

Event = dict[str, Any]
Pools = dict[str, st.SearchStrategy[Any]]

# Every character that may stand in a text: no controls, surrogates or line separators.
_LETTERS = st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zl", "Zp", "Cn"])
_WORDS = st.text("abcdefghijklmnopqrstuvwxyz0123456789", min_size=1, max_size=12)
_OFFSETS = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))


def _text(most: int, least: int = 0) -> st.SearchStrategy[str]:
    return st.text(_LETTERS, min_size=least, max_size=most)


def _moments() -> st.SearchStrategy[str]:
    naive = st.datetimes(datetime(1901, 1, 1), datetime(2100, 1, 1))
    return st.builds(lambda moment, zone: moment.replace(tzinfo=zone).isoformat(), naive, _OFFSETS)


def _pick(hint: Any, pools: Pools) -> st.SearchStrategy[Any]:
    """What may stand where this type is annotated."""
    for known, strategy in KINDS:
        if hint is known:
            return strategy()
    origin, args = get_origin(hint), get_args(hint)
    if origin in BUILT:
        return BUILT[origin](args, pools)
    raise TypeError(f"teach tests/strategies.py what a {hint} may be: add it to KINDS")


def _any_of(args: Any, pools: Pools) -> st.SearchStrategy[Any]:
    return st.one_of(*(_pick(arg, pools) for arg in args if arg is not type(None)))


def _dictionary(args: Any, pools: Pools) -> st.SearchStrategy[dict[str, Any]]:
    key, value = args
    any_value = _pick(value, pools)
    values = {
        name: st.lists(pools[name], min_size=1, max_size=2) if name in pools else any_value for name in get_args(key)
    }
    return st.fixed_dictionaries({}, optional=values)


def data_of(model: type[Data], pools: Pools | None = None) -> st.SearchStrategy[dict[str, Any]]:
    """Data of this shape, whether or not its parts agree. `pools` say what a key of that name is drawn from."""
    known = pools or {}
    hints = get_type_hints(model, include_extras=True)
    parts = {
        name: known[name] if name in known else _pick(hints[name], known)
        for name in model.model_fields
        if name in hints
    }
    required = {name for name, info in model.model_fields.items() if info.is_required()}
    return st.fixed_dictionaries(
        {name: part for name, part in parts.items() if name in required},
        optional={name: part for name, part in parts.items() if name not in required},
    )


def is_valid(event: Any) -> bool:
    try:
        validate_event(event)
    except InvalidFact:
        return False
    return True


def events(types: list[str] | None = None, pools: Pools | None = None) -> st.SearchStrategy[Event]:
    """Valid events of these types (else of all): any, or with keys drawn from pools."""
    return st.one_of(*(_events_of(name, pools) if pools else _any_events_of(name) for name in types or CATALOGUE))


@cache
def _any_events_of(name: str) -> st.SearchStrategy[Event]:
    return _events_of(name, {})


def _events_of(name: str, pools: Pools) -> st.SearchStrategy[Event]:
    attributes = {
        "specversion": st.just("1.0"),
        "id": pools.get("id", fields_of("Id")),
        "source": pools.get("source", fields_of("UriReference")),
        "type": st.just(name),
        "time": pools.get("time", _moments()),
        "data": data_of(CATALOGUE[name].data, pools),
    }
    optional = {} if pools else {"subject": _text(20, 1), "datacontenttype": st.just("application/json")}
    return st.fixed_dictionaries(attributes, optional=optional).filter(is_valid)


def fields_of(name: str) -> st.SearchStrategy[Any]:
    """Values of one of the kinds of `schemas.fields`."""
    return _pick(getattr(fields, name), {})


def worlds(campaigns: int = 2) -> st.SearchStrategy[list[Event]]:
    """Small worlds: valid events in the order in which they arrive, many with an identity that was there before.

    Most are about people and targets: of every kind as many, there would seldom be anything to count.
    """
    pools = small_pools(campaigns)
    kinds = {name: _events_of(name, pools) for name in CATALOGUE}
    people = [name for name, row in CATALOGUE.items() if "candidate" in row.data.model_fields]
    people.remove("candidate.erased")  # after it little is left to see
    often = [*CATALOGUE, *people * 2, *["candidate.signed_up", "target.set"] * len(people)]
    return few_or_many(st.sampled_from(often).flatmap(kinds.__getitem__), 40).map(_mostly_their_own)


def _mostly_their_own(world: list[Event]) -> list[Event]:
    """The same with an identity of its own for most; else most would be duplicates. Retractions follow."""

    def other(id: str, own: int) -> str:
        return id if id in ("i1", "i2") else f"n{own}"

    found = [{**event, "id": other(event["id"], place)} for place, event in enumerate(world)]
    for event in found:
        if event["type"] == "fact.retracted":
            id = event["data"]["id"]
            event["data"] = {**event["data"], "id": other(id, int(id[1:]) - 3)}
    return found


def few_or_many(one: st.SearchStrategy[Event], most: int) -> st.SearchStrategy[list[Event]]:
    """Lists of which half are long: left alone, Hypothesis makes short ones, in which little happens."""
    return st.lists(one, max_size=8) | st.lists(one, min_size=most // 2, max_size=most)


def small_pools(campaigns: int = 2) -> Pools:
    """Few values for each key, so that facts speak of the same things."""
    pools: Pools = {
        "campaign": st.sampled_from(["grads1"] * 3 + ["grads2"] * (campaigns - 1)),
        "candidate": st.sampled_from(["c1", "c1", "c2", "c3"]),
        "into": _of("c", count=3),
        "target": _of("t", count=2),
        "fair": _of("f", count=2),
        "fairs": _of("f", count=2),
        "employer": _of("e", count=2),
        "employers": st.lists(_of("e", count=2), min_size=1, max_size=2),
        "offer": _of("o", count=2),
        "benefit": _of("b", count=2),
        "opening": _of("p", count=2),
        "signup": st.sampled_from(["open", "closed"]),
        "source": st.sampled_from(["/a", "/a", "/b"]),
        "id": _of("i", count=20),
        "time": _of_times(),
        "starts_at": _of_times(),
        "ends_at": _of_times(),
        "capacity": st.integers(1, 3),
        "starts_on": st.just("2026-01-01"),
        "ends_on": st.just("2026-12-31"),
        "timezone": st.sampled_from(["Asia/Shanghai", "Pacific/Auckland"]),
        "education": st.sampled_from(["bachelor", "doctor"]),
        "school": _of("school", count=2),
        "major": _of("major", count=2),
        "chain": _of("chain", count=2),
        "graduation_year": st.integers(2025, 2026),
        "goal": st.integers(1, 4),
        "amount": st.sampled_from([0, 1, 2.5, 1e-3, 1000]),
        "name": _of("Name", count=2),
        "title": _of("Title", count=2),
        "reason": st.just("because"),
        "email": st.just("li@example.com"),
    }
    return pools | {"where": _small_where(pools)}


def _small_where(pools: Pools) -> st.SearchStrategy[dict[str, Any]]:
    """Two keys at most: with more, nobody would match."""
    values = {key: st.lists(pools[key], min_size=1, max_size=2) for key in get_args(fields.WhereKey)}
    keys = st.sets(st.sampled_from(sorted(values)), min_size=1, max_size=2)
    return keys.flatmap(lambda chosen: st.fixed_dictionaries({key: values[key] for key in sorted(chosen)}))


def _of(prefix: str, *, count: int) -> st.SearchStrategy[str]:
    return st.sampled_from([f"{prefix}{number}" for number in range(1, count + 1)])


def _of_times() -> st.SearchStrategy[str]:
    """A handful of moments, two of them the same one said with another offset."""
    return st.sampled_from(
        [
            "2026-03-01T00:00:00Z",
            "2026-03-01T08:00:00+08:00",
            "2026-03-01T00:00:00.000001Z",
            "2026-03-02T23:30:00-05:00",
            "2026-04-01T09:00:00+08:00",
            "2026-12-01T09:00:00+08:00",
        ]
    )


def json_values() -> st.SearchStrategy[Any]:
    """Anything that JSON can say."""
    plain = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10)
    return st.recursive(
        plain,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
        max_leaves=4,
    )


def _days() -> st.SearchStrategy[str]:
    return st.dates(date(1900, 1, 1), date(2200, 1, 1)).map(date.isoformat)


def _numbers(least: int) -> st.SearchStrategy[int | float]:
    return st.integers(least, 10**15) | st.floats(least, 1e15, allow_subnormal=False)


def _emails() -> st.SearchStrategy[str]:
    return st.builds("{}@{}.{}".format, _WORDS, _WORDS, _WORDS)


# The kinds of schemas/fields.py that have a rule of their own; unions, lists and literals are taken apart.
KINDS: list[tuple[Any, Callable[[], st.SearchStrategy[Any]]]] = [
    (fields.Id, lambda: _text(fields.MAX_ID, 1).map(str.strip).filter(bool)),
    (fields.Text, lambda: _text(500, 1)),
    (fields.Prose, lambda: st.text(_LETTERS | st.just("\n"), max_size=200)),
    (fields.Email, _emails),
    (fields.ReplyTo, _emails),
    (fields.Phone, lambda: st.from_regex(r"\+?[0-9][0-9 ]{2,20}", fullmatch=True, alphabet="+0123456789 ")),
    (fields.Url, lambda: _WORDS.map("https://example.com/{}".format)),
    (fields.UriReference, lambda: _WORDS.map("/hr/{}".format)),
    (fields.Day, _days),
    (fields.Time, _moments),
    (fields.TimeZone, lambda: st.sampled_from(["Asia/Shanghai", "UTC", "America/New_York", "Asia/Kathmandu"])),
    (fields.Amount, lambda: _numbers(0)),
    (fields.Goal, lambda: st.integers(1, 10**15)),
    (fields.HeadCount, lambda: st.integers(0, 10**9)),
    (fields.Year, lambda: st.integers(1900, 2200)),
    (fields.Currency, lambda: st.sampled_from(["CNY", "EUR"])),
    (fields.Slug, lambda: st.from_regex(r"[a-z][a-z0-9_]{0,63}", fullmatch=True)),
    (bool, st.booleans),
    (int, lambda: st.integers(0, 3000)),
]

# How a strategy is built of its parts: origin of the annotation → from its arguments.
BUILT: dict[Any, Callable[[Any, Pools], st.SearchStrategy[Any]]] = {
    Annotated: lambda args, pools: _pick(args[0], pools),
    Literal: lambda args, pools: st.sampled_from(args),
    Union: _any_of,
    types.UnionType: _any_of,
    list: lambda args, pools: st.lists(_pick(args[0], pools), min_size=1, max_size=3),
    dict: _dictionary,
}
