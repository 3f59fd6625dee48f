"""What a form changes of something that stands: of a person what was touched alone, so that two who change them at once
lose nothing; of a target all but the conditions that the form does not show."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final

from producers.forms.reading import first
from producers.forms.sent import Wrong
from schemas.forms import AGAIN, WAS, Form, Typed
from storage.database import Conn
from storage.journeys import candidates, counted

Row = dict[str, Any]


async def changed(conn: Conn, form: Form, about: dict[str, str], typed: Typed, values: Row) -> Row:
    """The values of a form, as they are meant where it changes something. Raises Wrong where it can't change that."""
    change = CHANGES.get(form.name)
    return await change(conn, form, about, typed, values) if change and form.keeps in about else values


def touched(form: Form, typed: Typed, values: Row) -> Row:
    """What differs from what the form held when it was drawn. Raises Wrong for a field that was emptied: nothing says
    that somebody has no telephone any more."""
    left = dict(values)
    for each in form.fields:
        was = typed.get(f"{WAS}{each.name}")
        if was is None:
            continue
        if each.kind == "tick":
            is_ticked, was_ticked = each.name in values, was[0].lower() == "true"
            left.pop(each.name, None)
            left |= {each.name: is_ticked} if is_ticked != was_ticked else {}
        elif each.name in values:
            if first(typed, each.name).strip() == was[0]:
                del left[each.name]
        elif was[0]:
            raise Wrong(each.name, "form.bad.emptied")
    return left


async def _particulars(conn: Conn, form: Form, about: dict[str, str], typed: Typed, values: Row) -> Row:
    """With a fair in whose line they are anyway: to say it once more asks for no mail. Raises Wrong for who withdrew,
    where the form did not say that it signs them up again."""
    known = await candidates.load(conn, about["campaign"], about["candidate"])
    if known is None:
        return values
    journey, left = known.journey, touched(form, typed, values)
    if journey.withdrawn and AGAIN not in typed:
        raise Wrong("form", "form.bad.withdrew")
    if not left and not journey.withdrawn:
        raise Wrong("form", "form.bad.unchanged")
    name = {"name": journey.attribute("name") or values["name"]}
    fair = next((each for each in journey.fairs if journey.in_line(each) is not None), None)
    return {**name, **({"fair": fair} if fair is not None else {}), **left}


async def _conditions(conn: Conn, form: Form, about: dict[str, str], typed: Typed, values: Row) -> Row:
    row = await counted.target(conn, about["campaign"], about["target"])
    where = dict(row["where"] or {}) if row else {}
    where.pop("education", None)
    if "only_employer" in values or len(where.get("employer", ())) < 2:
        where.pop("employer", None)
    return {**values, "kept": where}


CHANGES: Final[dict[str, Callable[[Conn, Form, dict[str, str], Typed, Row], Awaitable[Row]]]] = {
    "candidate": _particulars,
    "target": _conditions,
}
