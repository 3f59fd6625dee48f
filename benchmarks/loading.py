"""A database with many candidates, loaded at once: their rows are what the fold and the vault store, copied in; indexes
are made when all are there. Who they are: `benchmarks/persons.py`."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final

import psycopg
from psycopg import Connection

from benchmarks.persons import HIRER, fact_rows, id_of, journey_of, said_by
from schemas.journey import Journey
from schemas.keyed import KeyedDigest
from storage.arrays import column
from storage.journeys import states
from storage.journeys.tags import employers, offer_ends, tags
from storage.vault import profiles
from storage.vault.keys import PersonKey, about
from storage.vault.master import FileMaster
from storage.vault.sealing import KEY_BYTES
from streams.counting import CellTotals, note_cells
from streams.domain.breakdown import cells
from streams.domain.measures import milestones
from tests.facts import CAMPAIGN

PORTION: Final = 20_000  # candidates that a process copies at a time
Row = tuple[Any, ...]
_JOURNEYS: Final = """
COPY journeys (campaign, candidate, version, state, reached, employers, drawn, tags, offer_ends, tagged) FROM STDIN
"""
_PERSONS: Final = """
COPY vault.person (campaign, candidate, key, name, profile, pinyin, initials, sought, phone, email, namesake, drawn)
FROM STDIN
"""
_FACTS: Final = "COPY facts (source, id, type, campaign, candidate, time, event, posted_by) FROM STDIN"
_INDEXES: Final = """
SELECT i.indexrelid::regclass::text, pg_get_indexdef(i.indexrelid) FROM pg_index i
WHERE i.indrelid IN ('journeys'::regclass, 'vault.person'::regclass, 'facts'::regclass) AND NOT i.indisprimary
"""


def load(url: str, master: Path, key: bytes, count: int) -> CellTotals:
    """Let so many candidates be there, in no other order than their ids. `key`: of the campaign's hashes. Returns what
    they add to its breakdowns. Whatever a load that was broken off left is taken away first."""
    counted: CellTotals = {}
    with psycopg.connect(url, autocommit=True) as conn, _without_indexes(conn):
        conn.execute("TRUNCATE journeys")
        for table in ("vault.person", "facts"):  # where the platform's own key is, and what is said of the campaign
            conn.execute(f"DELETE FROM {table} WHERE candidate <> ''")
        portions = [range(start, min(start + PORTION, count)) for start in range(0, count, PORTION)]
        with ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("spawn")) as pool:
            for found in pool.map(partial(_load, url, master, key), portions):
                for cell, number in found[CAMPAIGN].items():
                    held = counted.setdefault(CAMPAIGN, {})
                    held[cell] = held.get(cell, 0) + number
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute("VACUUM ANALYZE")
    return counted


@contextmanager
def _without_indexes(conn: Connection) -> Iterator[None]:
    """An index that grows by a million rows in no order costs many times what it costs to be made of them."""
    found = conn.execute(_INDEXES).fetchall()
    for name, _ in found:
        conn.execute(f"DROP INDEX {name}")
    yield
    conn.execute("SET maintenance_work_mem = '512MB'")
    for _, made in found:
        conn.execute(made)


def _load(url: str, master: Path, key: bytes, numbers: range) -> CellTotals:
    counted: CellTotals = {}
    journeys = {n: journey_of(n) for n in numbers}
    for journey in journeys.values():
        note_cells(counted, CAMPAIGN, [], cells(journey, milestones(journey)))
    person = partial(_person, FileMaster(master), KeyedDigest(key))
    with psycopg.connect(url) as conn:
        _copy(conn, _JOURNEYS, (_journey(id_of(n), journey) for n, journey in journeys.items()))
        _copy(conn, _PERSONS, (person(n, journey) for n, journey in journeys.items()))
        _copy(conn, _FACTS, (row for n, journey in journeys.items() for row in fact_rows(n, journey, f"key:{HIRER}")))
    return counted


def _copy(conn: Connection, into: str, rows: Iterable[Row]) -> None:
    with conn.cursor() as cursor, cursor.copy(into) as copy:
        for row in rows:
            copy.write_row(row)


def _journey(candidate: str, journey: Journey) -> Row:
    standing = milestones(journey)
    told = (column(sorted(employers(journey))), 1, column(tags(candidate, journey, standing)), offer_ends(journey), 1)
    return (CAMPAIGN, candidate, 1, states.packed(journey), states.kept(standing), *told)


def _person(master: FileMaster, search_key: KeyedDigest, n: int, journey: Journey) -> Row:
    whose, key, profile = (CAMPAIGN, id_of(n)), os.urandom(KEY_BYTES), said_by(n)
    text = profiles.sealed(profile, PersonKey(1, key), whose, os.urandom)
    school, year = journey.attribute("school"), journey.attribute("graduation_year")
    graduated = (str(school) if school else None, int(year) if year else None)
    row = profiles.row_of(whose, text, profile, {CAMPAIGN: search_key}, graduated)
    _, _, name, _, pinyin, initials, sought, phone, email, namesake = row
    found = (name, text, pinyin, initials, column(sought.split()), phone, email, namesake)
    return (*whose, master.wrap(key, about(*whose, 1)), *found, f"*{text[:20]}")
