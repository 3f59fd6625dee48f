"""Pairs of candidates of whom HR said that they are not the same person, so that they are not suggested again."""

from __future__ import annotations

from alembic import op

revision = "0076"
down_revision = "0075"


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE apart (
            campaign varchar NOT NULL,
            one varchar NOT NULL,
            other varchar NOT NULL,
            said_by varchar NOT NULL,
            at timestamptz NOT NULL DEFAULT now(),
            PRIMARY KEY (campaign, one, other)
        )
        """
    )
