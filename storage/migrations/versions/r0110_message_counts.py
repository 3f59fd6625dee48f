"""How many messages there are of each kind, channel and status, as a worker counted them last."""

from __future__ import annotations

from alembic import op

revision = "0110"
down_revision = "0099"


def upgrade() -> None:
    op.execute("""
        CREATE TABLE message_counts (
            kind text NOT NULL,
            channel text NOT NULL,
            status text NOT NULL,
            number bigint NOT NULL,
            at timestamptz NOT NULL DEFAULT now(),
            PRIMARY KEY (kind, channel, status)
        )
    """)
