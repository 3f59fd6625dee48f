"""A campaign's own facts, found by their type and by the opening of which they speak."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Add the index; one that a broken-off try left behind is of no use."""
    with op.get_context().autocommit_block():
        op.execute("SET lock_timeout = 0")
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS facts_campaign")
        op.create_index(
            "facts_campaign",
            "facts",
            ["campaign", "type", sa.text("(event->'data'->>'opening')")],
            postgresql_where=sa.text("candidate IS NULL"),
            postgresql_concurrently=True,
        )
