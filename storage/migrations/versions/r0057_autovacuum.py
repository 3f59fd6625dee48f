"""Tables that change all the time are looked after in smaller portions: by default a fifth of one has to change first,
which is days of work at once where a table is large."""

from __future__ import annotations

from alembic import op

revision = "0057"
down_revision = "0056"

_OFTEN = "autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02"
_SETTINGS = {
    "facts": "autovacuum_analyze_scale_factor = 0.02",
    "pending": "autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 10000",
    "journeys": _OFTEN,
    "messages": _OFTEN,
    "seats": _OFTEN,
    "vault.person": _OFTEN,
}


def upgrade() -> None:
    for table, settings in _SETTINGS.items():
        op.execute(f"ALTER TABLE {table} SET ({settings})")
