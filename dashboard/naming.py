"""Names instead of ids: what the data of facts says, as people read it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from dashboard.formats import Formats
from dashboard.languages import Lang
from schemas.catalogue import in_order
from schemas.names import called
from storage.campaigns import naming
from storage.campaigns.naming import KnownNames
from storage.database import Conn

Row = dict[str, Any]
UNSAID: Final = frozenset({"campaign", "candidate", "benefit", "currency"})  # ids, and what is said beside another


@dataclass(frozen=True, slots=True)
class Names:
    """What ids stand for on a page, in the reader's language. `offers`: of the page's candidate, with `employer` and
    `position`."""

    lang: Lang
    zone: str
    known: KnownNames = field(default_factory=KnownNames)
    offers: Mapping[str, Row] = field(default_factory=dict)

    def employer(self, id: str) -> str:
        """An employer's name; its id while nobody has named it."""
        return called(self.known.employers.get(id), self.lang, id)

    def fair(self, id: str) -> str:
        """A fair's title, with its day where others have the same; its id while it is not known."""
        row = self.known.fairs.get(id)
        if row is None or not row["shares_title"]:
            return str(row["title"]) if row else id
        return f"{row['title']} · {Formats(self.lang).day_of(row['starts_at'], self.zone)}"

    def opening(self, id: str) -> str:
        """An opening, by its employer and position."""
        row = self.known.openings.get(id)
        return f"{self.employer(row['employer'])} · {row['position']}" if row else id

    def offer(self, id: str) -> str:
        """An offer, by its employer and position."""
        row = self.offers.get(id, {})
        return f"{self.employer(row['employer'])} · {row['position']}" if row.get("employer") else id

    def said(self, data: Mapping[str, Any]) -> list[tuple[str, Any]]:
        """What a fact's data says: (key, value), names and dates in the place of ids and numbers. Offers and openings
        are left out where their employer is named anyhow."""
        left_out = UNSAID | ({"offer", "opening"} if "employer" in data else set())
        return [(key, self._shown(key, value, data)) for key, value in in_order(data).items() if key not in left_out]

    def _shown(self, key: str, value: Any, data: Mapping[str, Any]) -> Any:
        f = Formats(self.lang)
        if key == "employers":
            return f.listed([self.employer(each) for each in value])
        if (dated := f.dated(key, value, self.zone)) is not None:
            return dated
        if key == "amount":
            return f.money(value) if data.get("currency", "CNY") == "CNY" else f"{f.number(value)} {data['currency']}"
        known = {"employer": self.employer, "fair": self.fair, "opening": self.opening, "offer": self.offer}.get(key)
        return known(value) if known else value


async def names_of(
    conn: Conn,
    campaign: Row,
    lang: Lang,
    timeline: Sequence[Row] = (),
    *,
    employers: Sequence[str] = (),
    fairs: Collection[str] = (),
    offers: Mapping[str, Row] | None = None,
) -> Names:
    """The names of all that these facts, offers, employers and fairs speak of. `campaign`: its row."""
    data = [fact["data"] for fact in timeline]
    mine = {each["employer"] for each in (offers or {}).values() if each["employer"]}
    found = await naming.known(
        conn,
        campaign["campaign"],
        employers={
            *_ids(data, "employer"),
            *(id for each in data for id in each.get("employers", ())),
            *employers,
            *mine,
        },
        fairs=_ids(data, "fair").union(fairs),
        openings=_ids(data, "opening"),
    )
    return Names(lang, campaign["timezone"], found, offers or {})


def _ids(data: Sequence[Mapping[str, Any]], key: str) -> set[str]:
    return {each[key] for each in data if isinstance(each.get(key), str)}
