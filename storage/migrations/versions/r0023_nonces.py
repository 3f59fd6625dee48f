"""Each message has a name that nobody can guess; its number is for the inside alone.

Mails that are out already have the number in their links: those of messages up to now go on to work. A database that is
restored from before this version gives no number twice that it gave a message up to here.
"""

from __future__ import annotations

from alembic import op

revision = "0023"
down_revision = "0022"


def upgrade() -> None:
    op.execute("ALTER TABLE messages ADD COLUMN nonce uuid NOT NULL DEFAULT gen_random_uuid()")
    op.execute("CREATE UNIQUE INDEX messages_nonce ON messages (nonce)")
    op.execute(
        "INSERT INTO secrets (name, value) SELECT 'numbered_until', convert_to(max(id)::text, 'UTF8')"
        " FROM messages HAVING count(*) > 0 ON CONFLICT DO NOTHING"
    )
