"""Accounts, sessions, one-time links, and the audit."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0020"
down_revision = "0009"


def upgrade() -> None:
    """Add the tables."""
    _accounts()
    _sessions()
    _links()
    _audit()


def _moment(name: str, *, nullable: bool = False, now: bool = False) -> sa.Column[object]:
    default = sa.text("now()") if now else None
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable, server_default=default)


def _accounts() -> None:
    op.create_table(
        "accounts",
        sa.Column("account", sa.String, primary_key=True),
        sa.Column("email", sa.String, nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("role", sa.String, nullable=False),
        sa.Column("employer", sa.String),
        sa.Column("campaigns", JSONB),
        sa.Column("password", sa.String),
        sa.Column("totp", sa.String),
        sa.Column("totp_step", sa.BigInteger),
        _moment("created_at", now=True),
        _moment("disabled_at", nullable=True),
    )
    op.create_index("accounts_email", "accounts", [sa.text("lower(email)")], unique=True)
    op.create_table(
        "recovery_codes",
        sa.Column("account", sa.String, sa.ForeignKey("accounts.account"), primary_key=True),
        sa.Column("hash", sa.LargeBinary, primary_key=True),
    )


def _sessions() -> None:
    op.create_table(
        "sessions",
        sa.Column("hash", sa.LargeBinary, primary_key=True),
        sa.Column("id", sa.String, nullable=False),
        sa.Column("account", sa.String, sa.ForeignKey("accounts.account")),
        sa.Column("key", sa.String, sa.ForeignKey("keys.key")),
        sa.Column("ip", sa.String, nullable=False),
        sa.Column("agent", sa.String, nullable=False),
        _moment("created_at", now=True),
        _moment("seen_at", now=True),
        _moment("expires_at"),
    )
    op.create_index("sessions_id", "sessions", ["id"], unique=True)
    op.create_index("sessions_account", "sessions", ["account"])
    op.create_index("sessions_key", "sessions", ["key"])
    op.create_index("sessions_expires", "sessions", ["expires_at"])


def _links() -> None:
    op.create_table(
        "access_links",
        sa.Column("hash", sa.LargeBinary, primary_key=True),
        sa.Column("purpose", sa.String, nullable=False),
        sa.Column("account", sa.String, sa.ForeignKey("accounts.account")),
        _moment("created_at", now=True),
        _moment("expires_at"),
        _moment("used_at", nullable=True),
    )
    op.create_index("access_links_account", "access_links", ["account"])
    op.create_table(
        "throttles",
        sa.Column("name", sa.String, primary_key=True),
        sa.Column("tries", sa.Integer, nullable=False),
        _moment("since", now=True),
    )


def _audit() -> None:
    op.create_table(
        "audit",
        sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
        _moment("at", now=True),
        sa.Column("actor", sa.String),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("ip", sa.String),
        sa.Column("action", sa.String, nullable=False),
        sa.Column("campaign", sa.String),
        sa.Column("subject", sa.String),
        sa.Column("token", sa.String),
        sa.Column("facts", JSONB),
    )
    op.create_index("audit_token", "audit", ["token"], unique=True)
    op.create_index("audit_campaign", "audit", ["campaign", "id"])
    op.create_index("audit_actor", "audit", ["actor", "id"])
