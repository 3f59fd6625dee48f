"""A statement may itself find that something has changed since it was prepared. That is a conflict like those that
Postgres finds: the transaction is rolled back and repeated."""

from __future__ import annotations

from alembic import op

revision = "0099"
down_revision = "0090"

_CONFLICT = """
CREATE OR REPLACE FUNCTION conflict(said text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION USING ERRCODE = 'serialization_failure', MESSAGE = said;
END $$
"""


def upgrade() -> None:
    op.execute(_CONFLICT)
