"""Positions, gaps, leases and topics in Postgres; the size of what waits in the outbox."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_NOW = sa.text("now()")


def upgrade() -> None:
    """Add them."""
    op.add_column("pending", sa.Column("size", sa.Integer, nullable=True))
    op.create_table(
        "positions",
        sa.Column("cluster", sa.String, primary_key=True),
        sa.Column("topic", sa.String, primary_key=True),
        sa.Column("topic_id", sa.String, primary_key=True),
        sa.Column("partition", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("next_offset", sa.BigInteger, nullable=False),
        sa.Column("moved_at", sa.DateTime(timezone=True), server_default=_NOW, nullable=False),
    )
    op.create_table(
        "gaps",
        sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
        sa.Column("cluster", sa.String, nullable=False),
        sa.Column("topic", sa.String, nullable=False),
        sa.Column("topic_id", sa.String, nullable=False),
        sa.Column("partition", sa.Integer, nullable=False),
        sa.Column("from_offset", sa.BigInteger, nullable=False),
        sa.Column("to_offset", sa.BigInteger, nullable=False),
        sa.Column("found_at", sa.DateTime(timezone=True), server_default=_NOW, nullable=False),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=True),
    )
    op.create_table(
        "leases",
        sa.Column("name", sa.String, primary_key=True),
        sa.Column("holder", sa.String, nullable=False),
        sa.Column("fence", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_table(
        "topics",
        sa.Column("topic", sa.String, primary_key=True),
        sa.Column("cluster", sa.String, nullable=False),
        sa.Column("topic_id", sa.String, nullable=False),
        sa.Column("max_bytes", sa.Integer, nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), server_default=_NOW, nullable=False),
    )
