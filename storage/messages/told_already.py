"""What a person was told already under another of their ids, or is being told.

Who claims first goes: claims for one person come one after another, so that the later one sees the earlier.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import msgspec

from storage.arrays import Column, columns, documents, split
from storage.database import Conn
from storage.messages.of_facts import fact_of, params_of

ToldAlready = Literal["told", "claimed", "beside"]

# So many locks there are at most for all persons of several ids: a transaction may hold hundreds, not thousands.
_LOCKS: Final = 512
_LOCK: Final = """
SELECT pg_advisory_xact_lock(hashtext('yinfeng.told_already'), place)
FROM (SELECT DISTINCT mod(hashtext(name)::bigint + 2147483648, %s)::int AS place FROM unnest(%b::text[]) AS u(name)
      ORDER BY 1) AS places
"""
_ASKED: Final = f"""
unnest(%(ids)s::bigint[], %(campaigns)s::text[], %(kinds)s::text[], %(others)s::text[], %(undone_by)s::text[],
       {split("about")}, {split("absent")}) AS k(id, campaign, kind, others, undone_by, about, absent)
"""
_TOLD: Final = f"""
SELECT k.id, bool_or(o.status NOT IN ('requested', 'claimed')), bool_or(o.status = 'claimed') FROM {_ASKED}
LEFT JOIN messages m USING (id)
JOIN messages o ON o.campaign = k.campaign AND o.candidate IN (SELECT jsonb_array_elements_text(k.others::jsonb))
  AND o.kind = k.kind AND o.forgotten IS NOT TRUE
CROSS JOIN LATERAL (SELECT {params_of("o")} AS params OFFSET 0) AS told
WHERE told.params @> k.about::jsonb AND NOT told.params ?| ARRAY(SELECT jsonb_array_elements_text(k.absent::jsonb))
  AND (o.status IN ('sent', 'delivered', 'bounced', 'dropped', 'complained', 'unknown')
       OR o.status = 'claimed' OR o.status = 'requested' AND o.id < k.id AND o.id = ANY(%(ids)s::bigint[]))
  AND NOT EXISTS (
    SELECT FROM {fact_of("o")} AS before CROSS JOIN {fact_of("m")} AS after
    JOIN facts f ON f.campaign = k.campaign AND f.time > before.time AND f.time < after.time
      AND (f.candidate = m.candidate OR f.candidate IN (SELECT jsonb_array_elements_text(k.others::jsonb)))
    WHERE f.type = ANY(string_to_array(k.undone_by, ' '))
      AND NOT EXISTS (SELECT FROM retractions x WHERE (x.campaign, x.source, x.id) = (f.campaign, f.source, f.id)))
GROUP BY k.id
"""


@dataclass(frozen=True, slots=True)
class ToldAsked:
    """A message to a candidate who has `others` ids beside its own. `about`: what makes its reason, by name;
    `undone_by`: the facts that take back what it tells, after which it is told again."""

    id: int
    campaign: str
    candidate: str
    kind: str
    others: tuple[str, ...]
    about: Mapping[str, Any]
    undone_by: tuple[str, ...] = ()


async def told(conn: Conn, asked: Sequence[ToldAsked]) -> dict[int, ToldAlready]:
    """How those of these stand that say what was said under another id (`told`), what another sender has claimed
    (`claimed`), or what one beside it here says, which goes first (`beside`). Within the transaction that claims them.
    """
    if not asked:
        return {}
    await conn.execute(_LOCK, [_LOCKS, [_person(each) for each in asked]])
    rows = [
        (each.id, each.campaign, each.kind, _encode(each.others).decode(), " ".join(each.undone_by)) for each in asked
    ]
    names = ("ids", "campaigns", "kinds", "others", "undone_by")
    named: dict[str, Column] = dict(zip(names, columns(rows, 5), strict=True))
    about = [{name: value for name, value in each.about.items() if value is not None} for each in asked]
    absent = [[name for name, value in each.about.items() if value is None] for each in asked]
    said = {"about": documents(map(_encode, about)), "absent": documents(map(_encode, absent))}
    found = await (await conn.execute(_TOLD, {**named, **said})).fetchall()
    return {id: "told" if done else "claimed" if claimed else "beside" for id, done, claimed in found}


def _person(asked: ToldAsked) -> str:
    """The same for all ids of a person."""
    return f"{asked.campaign}/{min((asked.candidate, *asked.others))}"


_encode: Final = msgspec.json.Encoder().encode
