"""What a worker says of senders that it lost."""

from __future__ import annotations

from alembic import op

revision = "0118"
down_revision = "0112"


def upgrade() -> None:
    op.execute("ALTER TABLE beats ADD COLUMN lost_senders bigint NOT NULL DEFAULT 0, ADD COLUMN sender_trouble varchar")
