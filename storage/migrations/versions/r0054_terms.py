"""What campaigns say of how long persons are kept, and whether mail that leads abroad waits for consent."""

from __future__ import annotations

from alembic import op

revision = "0054"
down_revision = "0053"


def upgrade() -> None:
    """Add the tables."""
    op.execute(
        "CREATE TABLE retention_terms (campaign varchar NOT NULL, outcome varchar NOT NULL, keep integer NOT NULL,"
        " hold integer NOT NULL, by varchar NOT NULL, at timestamptz NOT NULL DEFAULT now(),"
        " PRIMARY KEY (campaign, outcome))"
    )
    op.execute(
        "CREATE TABLE abroad_terms (campaign varchar PRIMARY KEY, waits boolean NOT NULL, by varchar NOT NULL,"
        " at timestamptz NOT NULL DEFAULT now())"
    )
