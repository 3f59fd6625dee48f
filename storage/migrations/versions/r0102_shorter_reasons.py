"""Reasons of messages are stored in 15 characters, which those of before begin with (see storage/messages/reasons.py).
Those that are there stay as they are, since messages' names go by them, and it is noted that there are any; what a
process of the version before asks for beside this one is shortened as it comes, so that neither asks for what the other
did.
"""

from __future__ import annotations

from alembic import op

revision = "0102"
down_revision = "0099"

_NOTED = """
INSERT INTO secrets (name, value) SELECT 'wide_reasons', '' WHERE EXISTS (SELECT FROM messages) ON CONFLICT DO NOTHING
"""
_DIGEST = "substr(translate(encode(substring(sha256(convert_to({}, 'UTF8')) FOR 15), 'base64'), '+/', '-_'), 1, {})"
_WHOSE = "NEW.campaign || coalesce('/' || NEW.candidate, '')"
_SHORTEN = f"""
CREATE OR REPLACE FUNCTION shorten_reason() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    wide text := NEW.dedupe_key;
BEGIN
    IF strpos(wide, ':') > 0 THEN
        wide := {_DIGEST.format(_WHOSE, 3)} || {_DIGEST.format("NEW.dedupe_key", 20)};
    END IF;
    IF EXISTS (SELECT FROM messages WHERE dedupe_key IN (NEW.dedupe_key, wide)) THEN
        RETURN NULL;
    END IF;
    NEW.dedupe_key := left(wide, 15);
    RETURN NEW;
END $$
"""
_AS_IT_COMES = """
CREATE OR REPLACE TRIGGER messages_reason BEFORE INSERT ON messages FOR EACH ROW
WHEN (strpos(NEW.dedupe_key, ':') > 0 OR length(NEW.dedupe_key) = 23) EXECUTE FUNCTION shorten_reason()
"""


def upgrade() -> None:
    op.execute(_SHORTEN)
    op.execute(_AS_IT_COMES)
    # Seen from here on: what was asked for before the trigger was made is there by now.
    op.execute(_NOTED)
