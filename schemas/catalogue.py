"""The catalogue of facts: one table, from which validation, JSON Schemas, OpenAPI, AsyncAPI, the
docs page and the property tests' strategies are all drawn. Its rows stand in `campaign_facts.py` and
`candidate_facts.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from schemas.campaign_facts import CAMPAIGN_FACTS
from schemas.candidate_facts import CANDIDATE_FACTS
from schemas.data import CandidateData
from schemas.fact_type import FactType


def in_order(data: Mapping[str, Any]) -> dict[str, Any]:
    """What a fact or a journey says, in the catalogue's order, in which people read it: the database keeps none."""
    return dict(sorted(data.items(), key=lambda item: _PLACES.get(item[0], len(_PLACES))))


_ROWS: Final = (*CAMPAIGN_FACTS, *CANDIDATE_FACTS)
CATALOGUE: dict[str, FactType] = {row.name: row for row in _ROWS}
# What is said of people first: there a name comes before an address.
_PLACES: Final = {
    name: place
    for place, name in enumerate(
        dict.fromkeys(
            name
            for row in sorted(_ROWS, key=lambda row: not issubclass(row.data, CandidateData))
            for name in row.data.model_fields
        )
    )
}
