"""A message's name outside is its number, enciphered (see storage/messages/nonces.py); those that have a nonce keep it.
A process of the version before knows nonces alone, whole times and plain journeys: for a day, they are written so.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0083"
down_revision = "0082"


def upgrade() -> None:
    op.execute("ALTER TABLE messages ALTER COLUMN nonce DROP NOT NULL, ALTER COLUMN nonce DROP DEFAULT")
    op.execute(
        "INSERT INTO secrets (name, value)"
        " SELECT 'events_whole_until', convert_to((now() + interval '1 day')::text, 'UTF8')"
        " WHERE EXISTS (SELECT FROM facts) ON CONFLICT (name) DO UPDATE SET value = excluded.value"
    )
    patience = op.get_bind().execute(sa.text("SHOW lock_timeout")).scalar_one()
    with op.get_context().autocommit_block():
        op.execute("SET lock_timeout = 0")
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS messages_drawn")
        op.execute("CREATE UNIQUE INDEX CONCURRENTLY messages_drawn ON messages (nonce) WHERE nonce IS NOT NULL")
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS messages_nonce")
        op.execute(f"SET lock_timeout = '{patience}'")
