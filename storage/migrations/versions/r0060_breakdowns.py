"""How many stand where, by school, employer and the like. What stands already is counted by the workers, beside their
work; and once more an hour later, since a worker of the version before, which knows of no breakdowns, may have run
beside them until then.
"""

from __future__ import annotations

from alembic import op

revision = "0060"
down_revision = "0059"

_CHANGES = (
    """
    CREATE TABLE breakdowns (
        campaign varchar NOT NULL,
        dimension varchar NOT NULL,
        value varchar NOT NULL,
        standing varchar NOT NULL,
        number bigint NOT NULL,
        PRIMARY KEY (campaign, dimension, value, standing)
    ) WITH (fillfactor = 70)
    """,
    """
    CREATE TABLE breakdown_counts (
        campaign varchar NOT NULL,
        due_at timestamptz NOT NULL,
        PRIMARY KEY (campaign, due_at)
    )
    """,
    """
    INSERT INTO breakdown_counts (campaign, due_at)
    SELECT '', now() + after FROM unnest(ARRAY[interval '0', interval '1 hour']) AS after
    WHERE EXISTS (SELECT FROM journeys)
    """,
)


def upgrade() -> None:
    for change in _CHANGES:
        op.execute(change)
