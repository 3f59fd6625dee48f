"""Keys for facts that come sealed by who has no key of a person: one is given out, those before it still open."""

from __future__ import annotations

from alembic import op

revision = "0070"
down_revision = "0063"

_ENTRY_KEY = """
CREATE TABLE vault.entry_key (
    id varchar PRIMARY KEY,
    public varchar NOT NULL,
    private varchar NOT NULL,
    made_at timestamptz NOT NULL DEFAULT now(),
    replaced_at timestamptz
)
"""


def upgrade() -> None:
    op.execute(_ENTRY_KEY)
    op.execute("CREATE UNIQUE INDEX entry_key_current ON vault.entry_key ((true)) WHERE replaced_at IS NULL")
