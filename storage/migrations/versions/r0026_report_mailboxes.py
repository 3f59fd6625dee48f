"""Mailboxes where mail comes back are read over IMAP: how far, when, by whom."""

from __future__ import annotations

from alembic import op

revision = "0026"
down_revision = "0025"


def upgrade() -> None:
    op.execute(
        """CREATE TABLE report_mailboxes (mailbox varchar PRIMARY KEY, validity bigint NOT NULL DEFAULT 0,
        next_number bigint NOT NULL DEFAULT 0, read_at timestamptz, trouble varchar, holder varchar NOT NULL,
        held_until timestamptz NOT NULL)"""
    )
