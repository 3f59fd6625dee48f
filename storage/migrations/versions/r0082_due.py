"""Messages that wait are found by kind and moment alone: of those that one transaction asks for, which all have one
moment, PostgreSQL keeps kind and moment once. A number at the end of each entry had kept it from that. A sender of the
version before sorts those of one moment by number meanwhile.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0082"
down_revision = "0079"

_INDEX = "messages_due ON messages (kind, coalesce(not_before, requested_at)) WHERE status = 'requested'"


def upgrade() -> None:
    """Make the index beside the work, then drop that of before. One that a broken-off try left behind is of no use."""
    patience = op.get_bind().execute(sa.text("SHOW lock_timeout")).scalar_one()
    with op.get_context().autocommit_block():
        op.execute("SET lock_timeout = 0")
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS messages_due")
        op.execute(f"CREATE INDEX CONCURRENTLY {_INDEX}")
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS messages_waiting")
        op.execute(f"SET lock_timeout = '{patience}'")
