"""By which channel a campaign's mail goes, where it is not the usual one."""

from __future__ import annotations

from alembic import op

revision = "0071"
down_revision = "0070"


def upgrade() -> None:
    """Add the table."""
    op.execute(
        "CREATE TABLE campaign_channels (campaign varchar PRIMARY KEY, way varchar NOT NULL, by varchar NOT NULL,"
        " at timestamptz NOT NULL DEFAULT now())"
    )
