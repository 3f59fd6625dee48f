"""Where a log was read by a database that was lost since."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Add the mark."""
    op.add_column("positions", sa.Column("doubt_until", sa.BigInteger, nullable=True))
