"""What is to be told once waits in a table of its own; workers say more of their work, the relay when it published.

The index on what changes with every batch kept the rows of targets from being updated in place, and nobody read by it.
It goes first, since what follows is one step with the noting of this revision: broken off before, it is begun again.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0027"
down_revision = "0026"


def upgrade() -> None:
    """Take the index away, and add the table and the columns."""
    with op.get_context().autocommit_block():
        op.execute("SET lock_timeout = 0")
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS targets_revision")
    op.create_table(
        "announcements",
        sa.Column("seq", sa.BigInteger, sa.Identity(always=True), primary_key=True),
        sa.Column("id", sa.String, nullable=False),
        sa.Column("type", sa.String, nullable=False),
        sa.Column("key", sa.String, nullable=False),
        sa.Column("data", JSONB, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False, server_default=sa.text("now()")),
    )
    op.add_column("beats", sa.Column("committed_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("beats", sa.Column("repeats", JSONB, nullable=False, server_default=sa.text("'[]'::jsonb")))
    op.add_column("topics", sa.Column("published_at", sa.DateTime(timezone=True), nullable=True))
