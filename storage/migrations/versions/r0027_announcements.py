"""What is to be told once waits in a table of its own; workers say more of their work, the relay when it published.

The index on what changes with every batch kept the rows of targets from being updated in place, and nobody read by it.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0027"
down_revision = "0026"


def upgrade() -> None:
    """Add the table and the columns, and take the index away."""
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
    with op.get_context().autocommit_block():
        op.execute("SET lock_timeout = 0")
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS targets_revision")
