"""Candidates are found: what persons are searched by, and what lists of journeys are narrowed by.

The indexes are made beside the work. What is there already is drawn in portions by the worker.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0055"
down_revision = "0054"

_COLUMNS = (
    """ALTER TABLE vault.person ADD COLUMN pinyin varchar, ADD COLUMN initials varchar, ADD COLUMN sought varchar[],
    ADD COLUMN phone varchar, ADD COLUMN email varchar, ADD COLUMN drawn varchar""",
    "ALTER TABLE journeys ADD COLUMN tags varchar[], ADD COLUMN offer_ends timestamptz, ADD COLUMN tagged integer",
)
_INDEXES = {
    "vault.person_sought": "person_sought ON vault.person USING gin (sought)",
    "vault.person_phone": "person_phone ON vault.person (campaign, phone) WHERE phone IS NOT NULL",
    "vault.person_email": "person_email ON vault.person (campaign, email) WHERE email IS NOT NULL",
    "journeys_tags": "journeys_tags ON journeys USING gin (tags)",
    "journeys_offers": "journeys_offers ON journeys (campaign, offer_ends) WHERE offer_ends IS NOT NULL",
}


def upgrade() -> None:
    """Add the columns, then the indexes (one that a broken-off try left behind is of no use)."""
    for change in _COLUMNS:
        op.execute(change.replace("ADD COLUMN", "ADD COLUMN IF NOT EXISTS"))
    patience = op.get_bind().execute(sa.text("SHOW lock_timeout")).scalar_one()
    with op.get_context().autocommit_block():
        op.execute("SET lock_timeout = 0")
        for name, index in _INDEXES.items():
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
            op.execute(f"CREATE INDEX CONCURRENTLY {index}")
        op.execute(f"SET lock_timeout = '{patience}'")
