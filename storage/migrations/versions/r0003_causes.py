"""Why a message is cancelled: by HR, or as moot."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the cause. What HR cancelled is told by how its reason was written; the rest was moot."""
    op.add_column("messages", sa.Column("cause", sa.String, nullable=True))
    op.execute(
        """
        UPDATE messages SET cause = CASE
            WHEN starts_with(reason, 'cancelled by ') THEN 'hr'
            WHEN reason = 'candidate erased' THEN 'erased'
            ELSE 'moot' END
        WHERE status = 'cancelled'
        """
    )
