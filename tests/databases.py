"""A database of a test's own."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from yinfeng.embedded.postgres import EmbeddedPostgres


@contextmanager
def fresh_database(postgres: EmbeddedPostgres) -> Iterator[str]:
    """The URL of a database with the tables made and nothing in them; it is dropped when it is left."""
    name = f"t{uuid.uuid4().hex}"
    admin = postgres.url.replace("/yinfeng?", "/postgres?")
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE yinfeng")
        try:
            yield postgres.url.replace("/yinfeng?", f"/{name}?")
        finally:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
