"""Of a message that was never begun, and of one that nobody forgot, nothing says so: 16 bytes less a message. A process
of the version before goes by what stands there: for a day, it is written.
"""

from __future__ import annotations

from alembic import op

revision = "0112"
down_revision = "0110"

# Made beside the work that goes on; one that a broken-off try left behind is of no use.
_INDEXES = (
    ("messages_address", "messages (address) WHERE forgotten IS NOT TRUE AND address IS NOT NULL"),
    ("messages_in_clear", "messages (lower(recipient)) WHERE forgotten IS NOT TRUE AND recipient IS NOT NULL"),
)


def upgrade() -> None:
    """What comes before an index that is made beside the work is committed with it: a try that was broken off there
    finds it done. Each takes the place of the one before once it is whole."""
    op.execute("ALTER TABLE messages ALTER COLUMN attempts DROP NOT NULL, ALTER COLUMN forgotten DROP NOT NULL")
    op.execute(
        "INSERT INTO secrets (name, value)"
        " SELECT 'events_whole_until', convert_to((now() + interval '1 day')::text, 'UTF8')"
        " WHERE EXISTS (SELECT FROM facts) OR EXISTS (SELECT FROM beats)"
        " ON CONFLICT (name) DO UPDATE SET value = excluded.value"
    )
    with op.get_context().autocommit_block():
        op.execute("SET lock_timeout = 0")
        for name, what in _INDEXES:
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}_anew")
            op.execute(f"CREATE INDEX CONCURRENTLY {name}_anew ON {what}")
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
            op.execute(f"ALTER INDEX {name}_anew RENAME TO {name}")
