"""Indexes whose entries of equal value share their place (PostgreSQL keeps a value once, and the rows behind it): the
facts of a person, and the messages of a status, save those that wait, which have an index of their own. A number at
the end of each entry had kept that from happening.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0061"
down_revision = "0060"

_MADE = {
    "facts_person": "facts (campaign, candidate)",
    "messages_standing": "messages (status) WHERE status <> 'requested'",
}
_INSTEAD_OF = ("facts_subject", "messages_status")


def upgrade() -> None:
    """Make the indexes beside the work, then drop those of before. One that a broken-off try left behind is of no
    use."""
    patience = op.get_bind().execute(sa.text("SHOW lock_timeout")).scalar_one()
    with op.get_context().autocommit_block():
        op.execute("SET lock_timeout = 0")
        for name, what in _MADE.items():
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
            op.execute(f"CREATE INDEX CONCURRENTLY {name} ON {what}")
        for name in _INSTEAD_OF:
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
        op.execute(f"SET lock_timeout = '{patience}'")
