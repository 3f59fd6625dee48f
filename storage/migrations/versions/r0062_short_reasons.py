"""Reasons of messages are stored short (see storage/messages/reasons.py). Those that are there stay as they are, and it
is noted that there are any; what a process of the version before asks for beside this one is shortened as it comes, so
that neither asks for what the other did.
"""

from __future__ import annotations

from alembic import op

revision = "0062"
down_revision = "0061"

_NOTED = """
INSERT INTO secrets (name, value) SELECT 'long_reasons', '' WHERE EXISTS (SELECT FROM messages) ON CONFLICT DO NOTHING
"""
_DIGEST = "substr(translate(encode(substring(sha256(convert_to({}, 'UTF8')) FOR 15), 'base64'), '+/', '-_'), 1, {})"
_WHOSE = "NEW.campaign || coalesce('/' || NEW.candidate, '')"
_SHORTEN = f"""
CREATE OR REPLACE FUNCTION shorten_reason() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM messages WHERE dedupe_key = NEW.dedupe_key) THEN
        RETURN NULL;
    END IF;
    NEW.dedupe_key := {_DIGEST.format(_WHOSE, 3)} || {_DIGEST.format("NEW.dedupe_key", 20)};
    RETURN NEW;
END $$
"""
_AS_IT_COMES = """
CREATE OR REPLACE TRIGGER messages_reason BEFORE INSERT ON messages FOR EACH ROW
WHEN (strpos(NEW.dedupe_key, ':') > 0) EXECUTE FUNCTION shorten_reason()
"""


def upgrade() -> None:
    op.execute(_SHORTEN)
    op.execute(_AS_IT_COMES)
    # Seen from here on: what was asked for before the trigger was made is there by now.
    op.execute(_NOTED)
