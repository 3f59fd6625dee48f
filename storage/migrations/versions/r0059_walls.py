"""Links for the screens of an audience."""

from __future__ import annotations

from alembic import op

revision = "0059"
down_revision = "0057"

_WALLS = """
CREATE TABLE walls (
    wall varchar PRIMARY KEY,
    nonce varchar NOT NULL,
    name varchar NOT NULL,
    campaigns jsonb,
    made_by varchar NOT NULL,
    made_at timestamptz NOT NULL DEFAULT now(),
    revoked_at timestamptz
)
"""


def upgrade() -> None:
    op.execute(_WALLS)
    op.execute("CREATE UNIQUE INDEX walls_nonce ON walls (nonce)")
