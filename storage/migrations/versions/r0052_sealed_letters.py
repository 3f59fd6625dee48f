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
    for change in _CHANGES:
        op.execute(change)
    with op.get_context().autocommit_block():
        op.execute("SET lock_timeout = 0")
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS dead_letters_subject")
        op.execute("CREATE INDEX CONCURRENTLY dead_letters_subject ON dead_letters (campaign, candidate)")
