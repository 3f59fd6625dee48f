"""The vault: each person's key and what people are called, and the master keys that wrapped keys."""

from __future__ import annotations

from alembic import op

revision = "0050"
down_revision = "0041"

_PERSON = """
CREATE TABLE vault.person (
    campaign varchar NOT NULL,
    candidate varchar NOT NULL,
    life integer NOT NULL DEFAULT 1,
    key varchar,
    name varchar,
    profile varchar,
    erased_at timestamptz,
    registered boolean NOT NULL DEFAULT true,
    made_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (campaign, candidate)
)
"""
_MASTER = """
CREATE TABLE vault.master (
    id varchar PRIMARY KEY,
    proof varchar NOT NULL,
    made_at timestamptz NOT NULL DEFAULT now()
)
"""


def upgrade() -> None:
    op.execute("CREATE SCHEMA IF NOT EXISTS vault")
    op.execute(_PERSON)
    op.execute(_MASTER)
    op.execute("CREATE INDEX person_unregistered ON vault.person (erased_at) WHERE NOT registered")
