"""What the pages need that candidates use by themselves: whose address is whose, what waits to be confirmed, and
which links to own pages are worth something."""

from __future__ import annotations

from alembic import op

revision = "0040"
down_revision = "0027"

_CHANGES = (
    """CREATE TABLE addresses (campaign varchar NOT NULL, digest bytea NOT NULL, candidate varchar NOT NULL,
    claimed_at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (campaign, digest))""",
    "CREATE INDEX addresses_subject ON addresses (campaign, candidate)",
    """CREATE TABLE own_pages (campaign varchar NOT NULL, candidate varchar NOT NULL, generation integer NOT NULL,
    asked_at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (campaign, candidate))""",
    """CREATE TABLE unconfirmed (signup varchar PRIMARY KEY, campaign varchar NOT NULL, candidate varchar NOT NULL,
    typed jsonb NOT NULL, at timestamptz NOT NULL DEFAULT now())""",
    "CREATE INDEX unconfirmed_subject ON unconfirmed (campaign, candidate)",
)


def upgrade() -> None:
    for change in _CHANGES:
        op.execute(change)
