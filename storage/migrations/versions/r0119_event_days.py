"""How many events a provider told on each day, by name and finding."""

from __future__ import annotations

from alembic import op

revision = "0119"
down_revision = "0118"


def upgrade() -> None:
    op.execute("""
        CREATE TABLE provider_event_days (
            day date NOT NULL,
            name varchar NOT NULL,
            finding varchar NOT NULL,
            number bigint NOT NULL,
            PRIMARY KEY (day, name, finding)
        )
    """)
    op.execute("""
        INSERT INTO provider_event_days
        SELECT (received_at AT TIME ZONE 'UTC')::date, name, finding, count(*) FROM provider_events GROUP BY 1, 2, 3
    """)
