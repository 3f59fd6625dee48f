"""Candidates who are one person: the latest word on each pair, and whose row carries their journey. The index is made
beside the work."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0074"
down_revision = "0071"

_CHANGES = (
    """
    CREATE TABLE IF NOT EXISTS merges (
        campaign varchar NOT NULL,
        one varchar NOT NULL,
        other varchar NOT NULL,
        "into" varchar,
        at bigint,
        source varchar,
        id varchar,
        stands boolean NOT NULL,
        PRIMARY KEY (campaign, one, other)
    )
    """,
    "CREATE INDEX IF NOT EXISTS merges_other ON merges (campaign, other)",
    "ALTER TABLE journeys ADD COLUMN IF NOT EXISTS merged_into varchar",
)
_INDEX = "journeys_merged ON journeys (campaign, merged_into) WHERE merged_into IS NOT NULL"


def upgrade() -> None:
    """Add table and column, then the index (one that a broken-off try left behind is of no use)."""
    for change in _CHANGES:
        op.execute(change)
    patience = op.get_bind().execute(sa.text("SHOW lock_timeout")).scalar_one()
    with op.get_context().autocommit_block():
        op.execute("SET lock_timeout = 0")
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS journeys_merged")
        op.execute(f"CREATE INDEX CONCURRENTLY {_INDEX}")
        op.execute(f"SET lock_timeout = '{patience}'")
