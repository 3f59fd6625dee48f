"""What was cancelled as moot, found by its candidate.

The index is made beside the work that goes on: that waits for all who read, but nobody waits for it.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add the index; one that a broken-off try left behind is of no use."""
    with op.get_context().autocommit_block():
        op.execute("SET lock_timeout = 0")
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS messages_moot")
        op.create_index(
            "messages_moot",
            "messages",
            ["campaign", "candidate"],
            postgresql_where=sa.text("status = 'cancelled' AND cause = 'moot'"),
            postgresql_concurrently=True,
        )
