"""How many messages there are of each kind, channel and status, as a worker counted them last."""

from __future__ import annotations

from alembic import op

revision = "0110"
down_revision = "0105"


def upgrade() -> None:
    op.execute("""
        CREATE TABLE message_counts (
            kind varchar NOT NULL,
            channel varchar NOT NULL,
            status varchar NOT NULL,
            number bigint NOT NULL,
            at timestamptz NOT NULL DEFAULT now(),
            PRIMARY KEY (kind, channel, status)
        )
    """)
