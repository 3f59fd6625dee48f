"""An account is bound to the person whom the identity provider knows, not to an address that may be given to another;
and workers say which version of the tables they know."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0077"
down_revision = "0076"


def upgrade() -> None:
    """Add the columns. Accounts are few: the index is made at once."""
    op.add_column("accounts", sa.Column("issuer", sa.String))
    op.add_column("accounts", sa.Column("subject", sa.String))
    op.create_index("accounts_subject", "accounts", ["issuer", "subject"], unique=True)
    op.add_column("beats", sa.Column("revision", sa.String))
