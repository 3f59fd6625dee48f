"""Breakdowns say when the open offers of an opening expire. What stands already is counted anew beside the work, and
once more an hour later, since a worker of the version before may have run until then."""

from __future__ import annotations

from alembic import op

revision = "0078"
down_revision = "0077"

_COUNT_ANEW = """
INSERT INTO breakdown_counts (campaign, due_at)
SELECT '', now() + after FROM unnest(ARRAY[interval '0', interval '1 hour']) AS after
WHERE EXISTS (SELECT FROM breakdowns WHERE dimension = 'expiry') ON CONFLICT DO NOTHING
"""


def upgrade() -> None:
    op.execute(_COUNT_ANEW)
