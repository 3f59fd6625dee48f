"""Employers have names, and campaigns say how they are reached.

The index finds what was said of one employer among the many facts of a campaign; it comes first, since what follows
is one step with the noting of this revision. Facts of before asked for no messages to employers, nor do those that a
worker of the version before applies while this one comes up: the audit is told since when to look for them.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

_ASKED_SINCE = """
INSERT INTO secrets (name, value)
SELECT 'asked_since:' || kind, convert_to((now() + interval '1 hour')::text, 'UTF8')
FROM unnest(ARRAY['offer_accepted', 'offer_declined', 'offer_expired']) AS k(kind)
WHERE EXISTS (SELECT FROM facts) ON CONFLICT DO NOTHING
"""

revision = "0024"
down_revision = "0023"


def upgrade() -> None:
    """Add the index (one that a broken-off try left behind is of no use), the table and the columns."""
    patience = op.get_bind().execute(sa.text("SHOW lock_timeout")).scalar_one()
    with op.get_context().autocommit_block():
        op.execute("SET lock_timeout = 0")
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS facts_employer")
        op.create_index(
            "facts_employer",
            "facts",
            ["campaign", sa.text("(event->'data'->>'employer')")],
            postgresql_where=sa.text("candidate IS NULL AND type = 'employer.set'"),
            postgresql_concurrently=True,
        )
        op.execute(f"SET lock_timeout = '{patience}'")
    op.create_table(
        "employers",
        sa.Column("campaign", sa.String, primary_key=True),
        sa.Column("employer", sa.String, primary_key=True),
        sa.Column("name", sa.String, nullable=False),
        *(sa.Column(name, sa.String) for name in ("name_en", "city", "url", "reply_to", "contact")),
    )
    op.add_column("campaigns", sa.Column("reply_to", sa.String))
    op.add_column("campaigns", sa.Column("contact", sa.String))
    op.add_column("campaigns", sa.Column("signup", sa.String, nullable=False, server_default="open"))
    op.execute(_ASKED_SINCE)
