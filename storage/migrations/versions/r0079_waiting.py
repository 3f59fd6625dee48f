"""Messages that wait are found kind by kind: a sender that has nothing to send had walked past all that wait of other
kinds. The index of before is not needed beside it; a sender of the version before sorts what is due meanwhile.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0079"
down_revision = "0078"

_INDEX = "messages_waiting ON messages (kind, coalesce(not_before, requested_at), id) WHERE status = 'requested'"


def upgrade() -> None:
    """Make the index beside the work, then drop that of before. One that a broken-off try left behind is of no use."""
    patience = op.get_bind().execute(sa.text("SHOW lock_timeout")).scalar_one()
    with op.get_context().autocommit_block():
        op.execute("SET lock_timeout = 0")
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS messages_waiting")
        op.execute(f"CREATE INDEX CONCURRENTLY {_INDEX}")
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS messages_requested")
        op.execute(f"SET lock_timeout = '{patience}'")
