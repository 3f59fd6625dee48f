"""Dead letters and documents are kept sealed, and say under whose key."""

from __future__ import annotations

from alembic import op

revision = "0052"
down_revision = "0051"

_CHANGES = (
    "ALTER TABLE dead_letters ADD COLUMN campaign varchar, ADD COLUMN candidate varchar, ADD COLUMN sealed bytea",
    "ALTER TABLE documents ADD COLUMN keys jsonb",
)


def upgrade() -> None:
    """What comes before an index that is made beside the work is committed with it: a try that was broken off there
    finds it done."""
    for change in _CHANGES:
        op.execute(change.replace("ADD COLUMN", "ADD COLUMN IF NOT EXISTS"))
    with op.get_context().autocommit_block():
        op.execute("SET lock_timeout = 0")
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS dead_letters_subject")
        op.execute("CREATE INDEX CONCURRENTLY dead_letters_subject ON dead_letters (campaign, candidate)")
