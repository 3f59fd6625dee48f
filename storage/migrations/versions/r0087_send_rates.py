"""What bounds the sending of mail holds over all senders: tokens for rates, and how often a channel failed in a row."""

from __future__ import annotations

from alembic import op

revision = "0087"
down_revision = "0083"


def upgrade() -> None:
    op.execute("ALTER TABLE channel_rests ADD COLUMN failures integer NOT NULL DEFAULT 1")
    op.execute("""
        CREATE TABLE send_rates (
            name bytea PRIMARY KEY,
            tokens double precision NOT NULL,
            drained boolean NOT NULL,
            at timestamptz NOT NULL
        )
    """)
