"""Targets whose number is still being counted."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Add the column. Every number that stands is whole."""
    op.add_column("targets", sa.Column("tally", sa.BigInteger))
