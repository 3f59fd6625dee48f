"""What messages have of the facts that asked for them: read there, where their own rows have nothing.

A row names its fact by the number in the ledger (`asked_by`), by source and id where an earlier version wrote it. It
has `params` where no fact asked, and where an earlier version wrote it.
"""

from __future__ import annotations

from typing import Final

# Of the row `f`, in SQL: what its data has beside its columns. What else a signup says stands in the journey.
OF_FACT: Final = """
CASE f.type WHEN 'candidate.signed_up' THEN jsonb_strip_nulls(jsonb_build_object('fair', f.event->'data'->'fair'))
ELSE coalesce((f.event->'data') - '{campaign,candidate}'::text[], '{}') END
"""


def fact_of(message: str) -> str:
    """The row of facts that asked for a row of messages, by its alias, to select from in SQL."""
    return f"""LATERAL (
    SELECT a.* FROM facts a WHERE a.seq = {message}.asked_by
    UNION ALL SELECT a.* FROM facts a
    WHERE {message}.asked_by IS NULL AND (a.source, a.id) = ({message}.source, {message}.fact))"""


def source_of(message: str) -> str:
    """The source of that fact."""
    return f"coalesce({message}.source, (SELECT a.source FROM facts a WHERE a.seq = {message}.asked_by))"


def id_of(message: str) -> str:
    """The id of that fact."""
    return f"coalesce({message}.fact, (SELECT a.id FROM facts a WHERE a.seq = {message}.asked_by))"


def params_of(message: str) -> str:
    """What the template of a row of messages needs."""
    return f"coalesce({message}.params, (SELECT {OF_FACT} FROM {fact_of(message)} AS f), '{{}}')"
