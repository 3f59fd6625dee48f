"""Events are kept without what stands in columns beside them (see storage/ledger/events.py); those that are there stay
whole. A process of the version before reads whole ones alone: for a day, they are written so.
"""

from __future__ import annotations

from alembic import op

revision = "0063"
down_revision = "0062"


def upgrade() -> None:
    op.execute(
        "INSERT INTO secrets (name, value)"
        " SELECT 'events_whole_until', convert_to((now() + interval '1 day')::text, 'UTF8')"
        " WHERE EXISTS (SELECT FROM facts) ON CONFLICT DO NOTHING"
    )
