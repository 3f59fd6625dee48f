"""Messages lead one life: each change has its cause, beginnings are noted, and a rest is its channel's own state."""

from __future__ import annotations

from alembic import op

revision = "0022"
down_revision = "0020"

_CHANGES = (
    "ALTER TABLE messages ADD COLUMN begun_at timestamptz",
    "ALTER TABLE message_attempts ADD COLUMN cause varchar",
    "ALTER TABLE fair_notices ADD COLUMN notices integer NOT NULL DEFAULT 0",
    """CREATE TABLE channel_rests (channel varchar PRIMARY KEY, kinds varchar[] NOT NULL, reason varchar NOT NULL,
    since timestamptz NOT NULL DEFAULT now(), until timestamptz NOT NULL)""",
    # A sender of the version before may have begun what it holds.
    "UPDATE messages SET begun_at = now() WHERE status = 'claimed'",
    "UPDATE messages SET cause = 'doubt' WHERE status = 'unknown' AND starts_with(reason, 'still in doubt')",
    "UPDATE messages SET cause = 'outcome' WHERE status = 'unknown' AND cause IS NULL",
    "UPDATE message_attempts SET cause = 'resent' WHERE status = 'requested' AND starts_with(detail, 'resent')",
    "UPDATE message_attempts SET cause = 'again' WHERE status = 'requested' AND cause IS NULL",
    "UPDATE message_attempts SET cause = 'doubt' WHERE status = 'unknown' AND starts_with(detail, 'still in doubt')",
    "UPDATE message_attempts SET cause = 'outcome' WHERE status = 'unknown' AND cause IS NULL",
    """UPDATE messages SET status = 'requested', reason = NULL
    WHERE status = 'held' AND starts_with(reason, 'its channel rests')""",
    "DROP INDEX messages_resting",
)


def upgrade() -> None:
    for change in _CHANGES:
        op.execute(change)
