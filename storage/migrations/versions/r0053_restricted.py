"""Persons who are hidden from readers while records of them are kept; and how long each is kept."""

from __future__ import annotations

from alembic import op

revision = "0053"
down_revision = "0052"

_COLUMNS = (
    "ADD COLUMN restricted_at timestamptz, ADD COLUMN restricted_until date, ADD COLUMN restricted_ground varchar"
)
_RETENTION = """
CREATE TABLE IF NOT EXISTS vault.retention (
    campaign varchar NOT NULL,
    candidate varchar NOT NULL,
    outcome varchar NOT NULL,
    last_contact timestamptz,
    version integer NOT NULL,
    asked_at timestamptz,
    step varchar,
    due_at timestamptz,
    PRIMARY KEY (campaign, candidate)
)
"""


def upgrade() -> None:
    """Add columns that may be empty, which rewrites nothing; the index is built beside the work. What comes before it
    is committed with it: a try that was broken off there finds it done."""
    op.execute(f"ALTER TABLE vault.person {_COLUMNS.replace('ADD COLUMN', 'ADD COLUMN IF NOT EXISTS')}")
    op.execute(_RETENTION)
    op.execute("CREATE INDEX IF NOT EXISTS retention_due ON vault.retention (due_at) WHERE step IS NOT NULL")
    with op.get_context().autocommit_block():
        op.execute("SET lock_timeout = 0")
        # One that an attempt before left half built would stand in the way.
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS vault.person_restricted")
        op.execute(
            "CREATE INDEX CONCURRENTLY person_restricted ON vault.person (campaign, candidate)"
            " WHERE restricted_at IS NOT NULL"
        )
