"""A message names the fact that asked for it by its number, and what it wants of it is read there (see
storage/messages/of_facts.py); of an event's time nothing is kept where it is the usual. A process of the version before
knows none of that: for a day, all is written as it reads it.
"""

from __future__ import annotations

from alembic import op

revision = "0103"
down_revision = "0102"


def upgrade() -> None:
    op.execute("ALTER TABLE messages ALTER COLUMN params DROP NOT NULL, ADD COLUMN asked_by bigint")
    op.execute(
        "INSERT INTO secrets (name, value)"
        " SELECT 'events_whole_until', convert_to((now() + interval '1 day')::text, 'UTF8')"
        " WHERE EXISTS (SELECT FROM facts) OR EXISTS (SELECT FROM beats)"
        " ON CONFLICT (name) DO UPDATE SET value = excluded.value"
    )
