"""Messages that are claimed are found by their status like others, of which there are few: an index of their own was
written to by each claim."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0088"
down_revision = "0087"


def upgrade() -> None:
    patience = op.get_bind().execute(sa.text("SHOW lock_timeout")).scalar_one()
    with op.get_context().autocommit_block():
        op.execute("SET lock_timeout = 0")
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS messages_claimed")
        op.execute(f"SET lock_timeout = '{patience}'")
