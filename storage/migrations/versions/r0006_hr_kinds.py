"""One more kind of message to HR: its index knows it."""

from __future__ import annotations

from alembic import op

revision = "0006"
down_revision = "0005"

_KINDS = (
    "milestone",
    "target_reached",
    "target_at_risk",
    "daily_digest",
    "offer_answered",
    "offer_bounced",
    "channel_refused",
    "log_gap",
    "template_test",
)


def upgrade() -> None:
    """Make the index anew beside the old one, which those of the version before still use, and give it its name."""
    with op.get_context().autocommit_block():
        op.execute("SET lock_timeout = 0")
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS messages_to_hr_new")
        op.execute(
            f"CREATE INDEX CONCURRENTLY messages_to_hr_new ON messages (campaign, sent_at) WHERE kind IN {_KINDS}"
        )
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS messages_to_hr")
        op.execute("ALTER INDEX messages_to_hr_new RENAME TO messages_to_hr")
