"""The tables as they were before there were migrations."""

from __future__ import annotations

from pathlib import Path

from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make all of them."""
    for statement in Path(__file__).with_name("0001_first.sql").read_text().split(";\n"):
        if statement.strip():
            op.execute(statement)
