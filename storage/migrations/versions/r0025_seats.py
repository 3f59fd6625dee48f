"""Seats follow from journeys and fairs: each fair's line, and how full it is.

`journeys.drawn` is the version that was written with all that this one knows of a journey. What stands from before, and
what the version before writes beside this one, has another, and is drawn anew by the workers beside their work.
"""

from __future__ import annotations

from alembic import op

revision = "0025"
down_revision = "0024"

_TABLES = (
    "CREATE SEQUENCE seat_turns",
    """
    CREATE TABLE seats (
        campaign VARCHAR NOT NULL,
        candidate VARCHAR NOT NULL,
        fair VARCHAR NOT NULL,
        line BIGINT NOT NULL,
        at BIGINT,
        source VARCHAR COLLATE "C",
        id VARCHAR COLLATE "C",
        waiting BOOLEAN NOT NULL,
        turn BIGINT NOT NULL DEFAULT nextval('seat_turns'),
        told_waiting BOOLEAN,
        told_by BIGINT,
        asked BIGINT,
        PRIMARY KEY (campaign, candidate, fair)
    )
    """,
    "CREATE INDEX seats_kept ON seats (line, at, source, id) WHERE at IS NOT NULL AND NOT waiting",
    "CREATE INDEX seats_waiting ON seats (line, at, source, id) WHERE at IS NOT NULL AND waiting",
    """
    CREATE INDEX seats_untold ON seats (campaign, fair)
    WHERE at IS NOT NULL AND told_waiting <> waiting AND asked IS DISTINCT FROM turn
    """,
    """
    CREATE TABLE fair_seats (
        campaign VARCHAR NOT NULL,
        fair VARCHAR NOT NULL,
        capacity BIGINT NOT NULL,
        kept BIGINT NOT NULL,
        waiting BIGINT NOT NULL,
        PRIMARY KEY (campaign, fair)
    )
    """,
    # Nobody is in line as yet.
    """
    INSERT INTO fair_seats (campaign, fair, capacity, kept, waiting)
    SELECT campaign, fair, capacity, 0, 0 FROM fairs WHERE capacity IS NOT NULL
    """,
    "ALTER TABLE journeys ADD COLUMN drawn INTEGER",
)


def upgrade() -> None:
    """Add the tables and the column; nothing that there was is rewritten."""
    for statement in _TABLES:
        op.execute(statement)
