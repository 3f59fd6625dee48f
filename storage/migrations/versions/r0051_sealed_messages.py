"""Messages, their mails and files, and addresses that no mail goes to are kept sealed, and found by keyed digests.

Only adds: what an earlier version left in the clear is sealed in portions later, and found as it is until then.
"""

from __future__ import annotations

from alembic import op

revision = "0051"
down_revision = "0050"

_CHANGES = (
    "ALTER TABLE messages ADD COLUMN sealed bytea, ADD COLUMN address bytea, ADD COLUMN domain bytea",
    "ALTER TABLE mails ADD COLUMN sealed bytea, ADD COLUMN whose jsonb",
    "ALTER TABLE suppressions ADD COLUMN digest bytea",
    # It is compressed before it is sealed; afterwards nothing can be.
    "ALTER TABLE mails ALTER COLUMN sealed SET STORAGE EXTERNAL",
)
# Made beside the work that goes on; one that a broken-off try left behind is of no use.
_INDEXES = (
    ("messages_address", "messages (address) WHERE NOT forgotten AND address IS NOT NULL", ""),
    ("messages_in_clear", "messages (lower(recipient)) WHERE NOT forgotten AND recipient IS NOT NULL", ""),
    (
        "suppressions_digest",
        "suppressions (digest, kind, about) WHERE lifted_at IS NULL AND digest IS NOT NULL",
        "UNIQUE",
    ),
)


def upgrade() -> None:
    """What comes before an index that is made beside the work is committed with it: a try that was broken off there
    finds it done."""
    for change in _CHANGES:
        op.execute(change.replace("ADD COLUMN", "ADD COLUMN IF NOT EXISTS"))
    with op.get_context().autocommit_block():
        op.execute("SET lock_timeout = 0")
        for name, what, unique in _INDEXES:
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
            op.execute(f"CREATE {unique} INDEX CONCURRENTLY {name} ON {what}")
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS messages_recipient")
