"""Journeys are packed (see storage/journeys/states.py), and the milestones where they stand are moments in the order
of the funnel. A process of the version before reads plain ones alone: for a day, they are written so.
"""

from __future__ import annotations

from alembic import op

revision = "0105"
down_revision = "0103"


def upgrade() -> None:
    op.execute("ALTER TABLE journeys ADD COLUMN reached bigint[], ALTER COLUMN standing DROP NOT NULL")
    op.execute(
        "INSERT INTO secrets (name, value)"
        " SELECT 'events_whole_until', convert_to((now() + interval '1 day')::text, 'UTF8')"
        " WHERE EXISTS (SELECT FROM facts) OR EXISTS (SELECT FROM beats)"
        " ON CONFLICT (name) DO UPDATE SET value = excluded.value"
    )
