"""Quix Streams with its PostgreSQL sink: dedupe and journeys in its state, each journey a row, the targets a view."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import psycopg2
from journey import identity, is_of_a_candidate, standing, tell
from quix_app import make_app
from quixstreams import State
from quixstreams.sinks.community.postgresql import PostgreSQLSink
from watch import TOPIC, Watch

_TABLE = """
CREATE TABLE journeys (candidate text PRIMARY KEY, campaign text, name text, email text, school text, education text,
    signups bigint, graduates bigint, doctors bigint);
CREATE VIEW targets AS SELECT coalesce(sum(signups), 0)::bigint AS signups,
    coalesce(sum(graduates), 0)::bigint AS graduates, coalesce(sum(doctors), 0)::bigint AS doctors FROM journeys;
"""


def main() -> None:
    where = {
        "host": os.environ["PEER_PG_HOST"],
        "port": int(os.environ["PEER_PG_PORT"]),
        "dbname": os.environ["PEER_PG_DATABASE"],
        "user": "postgres",
        "password": "",
    }
    app = make_app()
    sink = PostgreSQLSink(
        **where,
        table_name="journeys",
        primary_key_columns=["candidate"],
        upsert_on_primary_key=True,
        include_metadata=False,
    )
    fold = make_fold(Watch(make_numbers(where)))
    facts = app.dataframe(app.topic(TOPIC, key_deserializer="str", value_deserializer="json"))
    facts.filter(is_of_a_candidate).apply(fold, stateful=True).filter(lambda row: row is not None).sink(sink)
    app.run()


def make_numbers(where: dict[str, Any]) -> Callable[[], dict[str, int]]:
    """What reads the targets, from a table that is made here."""
    looking = psycopg2.connect(**where)
    looking.autocommit = True
    with looking.cursor() as cursor:
        cursor.execute(_TABLE)

    def numbers() -> dict[str, int]:
        with looking.cursor() as at:
            at.execute("SELECT signups, graduates, doctors FROM targets")
            return dict(zip(("signups", "graduates", "doctors"), at.fetchone(), strict=True))

    return numbers


def make_fold(watch: Watch) -> Callable[[dict[str, Any], State], dict[str, Any] | None]:
    """What makes a row of a fact and of what was known of its candidate; None of a duplicate."""

    def fold(fact: dict[str, Any], state: State) -> dict[str, Any] | None:
        name = identity(fact)
        if state.exists(name):
            return None
        state.set(name, 1)
        watch.fact()
        known = state.get("journey", {})
        tell(known, fact)
        state.set("journey", known)
        said = {each: known.get(each, ["", ""])[1] for each in ("name", "email", "school", "education")}
        whose = {"candidate": fact["data"]["candidate"], "campaign": fact["data"]["campaign"]}
        return {**whose, **said, **standing(known)}

    return fold


if __name__ == "__main__":
    main()
