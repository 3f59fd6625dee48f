"""Offers may come with a PDF."""

from __future__ import annotations

from alembic import op

revision = "0041"
down_revision = "0040"


def upgrade() -> None:
    """Add the table."""
    op.execute(
        "CREATE TABLE documents (document varchar PRIMARY KEY, campaign varchar NOT NULL, candidates varchar[]"
        " NOT NULL, data bytea NOT NULL, posted_by varchar NOT NULL, at timestamptz NOT NULL DEFAULT now())"
    )
    op.execute("CREATE INDEX documents_campaign ON documents (campaign)")
