"""What a message wants of the fact that asked for it: read there, where its own row has nothing.

A row has `params` where no fact asked, and where an earlier version wrote it.
"""

from __future__ import annotations

from typing import Final

# Of the row `f`, in SQL: what its data has beside its columns. What else a signup says stands in the journey.
OF_FACT: Final = """
CASE f.type WHEN 'candidate.signed_up' THEN jsonb_strip_nulls(jsonb_build_object('fair', f.event->'data'->'fair'))
ELSE coalesce(f.event->'data' - '{campaign,candidate}'::text[], '{}') END
"""


def wanted(message: str) -> str:
    """What the template of a row of messages needs, by its alias, in SQL."""
    return f"""coalesce({message}.params, (
    SELECT {OF_FACT} FROM facts f WHERE (f.source, f.id) = ({message}.source, {message}.fact)), '{{}}')"""
