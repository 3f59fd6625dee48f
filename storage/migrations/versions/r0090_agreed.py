"""Consent that was said under several ids of one person has another rule: their journeys are drawn anew beside the
work."""

from __future__ import annotations

from alembic import op

revision = "0090"
down_revision = "0088"

DRAW_ANEW = """
UPDATE journeys h SET drawn = NULL FROM journeys m
WHERE m.merged_into IS NOT NULL AND (h.campaign, h.candidate) = (m.campaign, m.merged_into)
"""


def upgrade() -> None:
    """Mark who carries the journey of several; the worker draws them as it does what another version left."""
    op.execute(DRAW_ANEW)
