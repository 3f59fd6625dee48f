"""Consent that was said under several ids of one person has another rule: their journeys are drawn anew beside the
work, and once more when no worker of the version before, which goes by its own rule, was heard for an hour."""

from __future__ import annotations

from alembic import op

revision = "0090"
down_revision = "0088"

DRAW_ANEW = """
UPDATE journeys h SET drawn = NULL FROM journeys m
WHERE m.merged_into IS NOT NULL AND (h.campaign, h.candidate) = (m.campaign, m.merged_into)
"""
LOOK_AGAIN = """
INSERT INTO secrets (name, value)
SELECT 'united_anew_at', convert_to((now() + interval '1 hour')::text, 'UTF8') WHERE EXISTS (SELECT FROM facts)
ON CONFLICT (name) DO UPDATE SET value = excluded.value
"""


def upgrade() -> None:
    """Mark who carries the journey of several; the worker draws them as it does what another version left."""
    op.execute(DRAW_ANEW)
    op.execute(LOOK_AGAIN)
