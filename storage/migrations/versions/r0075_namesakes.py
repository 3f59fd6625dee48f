"""Who has the same name, school and year of graduation is found by a keyed hash. What is there already is drawn in
portions by the worker; the index is made beside the work."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0075"
down_revision = "0074"

_INDEX = "person_namesake ON vault.person (campaign, namesake) WHERE namesake IS NOT NULL"


def upgrade() -> None:
    """Add the column, then the index (one that a broken-off try left behind is of no use)."""
    op.execute("ALTER TABLE vault.person ADD COLUMN IF NOT EXISTS namesake varchar")
    patience = op.get_bind().execute(sa.text("SHOW lock_timeout")).scalar_one()
    with op.get_context().autocommit_block():
        op.execute("SET lock_timeout = 0")
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS vault.person_namesake")
        op.execute(f"CREATE INDEX CONCURRENTLY {_INDEX}")
        op.execute(f"SET lock_timeout = '{patience}'")
