"""Notes about persons, and lists of candidates that people keep."""

from __future__ import annotations

from alembic import op

revision = "0056"
down_revision = "0055"

_CHANGES = (
    """CREATE TABLE vault.note (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, campaign varchar NOT NULL,
    candidate varchar NOT NULL, text varchar NOT NULL, author varchar NOT NULL, name varchar NOT NULL,
    at timestamptz NOT NULL DEFAULT now())""",
    "CREATE INDEX note_person ON vault.note (campaign, candidate, id)",
    """CREATE TABLE views (view varchar PRIMARY KEY, holder varchar NOT NULL, campaign varchar NOT NULL,
    name varchar NOT NULL, query varchar NOT NULL, made_at timestamptz NOT NULL DEFAULT now())""",
    "CREATE INDEX views_holder ON views (holder, campaign)",
)


def upgrade() -> None:
    for change in _CHANGES:
        op.execute(change)
