"""Benchmarks still run, on a few mails and facts; what they measure is not looked at here."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from benchmarks.loading import load
from benchmarks.persons import id_of, journey_of
from storage.database import Conn
from storage.journeys.journeys import Stored, store
from storage.vault.master import make_master
from streams.domain.measures import milestones
from tests.facts import CAMPAIGN
from tests.platform import until

FEW_MAILS = """
from benchmarks import sending

sending.RENDERED = sending.SENT = sending.MANY = sending.PLAIN = 30
assert len(list(sending.measure())) == 12
"""
FEW_FACTS = """
from benchmarks import sealing

sealing.BATCH, sealing.ROUNDS = 60, 2
assert len(list(sealing.measure())) == 7
"""


@pytest.mark.parametrize("few", [FEW_MAILS, FEW_FACTS], ids=["sending", "sealing"])
def test_it_is_measured(few: str):
    environment = {name: value for name, value in os.environ.items() if not name.startswith("YINFENG_")}
    done = subprocess.run(
        [sys.executable, "-c", few], env=environment, timeout=120, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_who_is_ended_leaves_nothing_running(tmp_path: Path):
    environment = {name: value for name, value in os.environ.items() if not name.startswith("YINFENG_")}
    command = [sys.executable, "-m", "benchmarks", "start"]
    measuring = subprocess.Popen(command, env={**environment, "TMPDIR": str(tmp_path)}, stdout=subprocess.DEVNULL)
    try:
        until(lambda: bool(list(tmp_path.glob("yinfeng-bench-*/home/run/lock"))))
        begun = psutil.Process(measuring.pid).children(recursive=True)
    finally:
        measuring.terminate()
        measuring.wait(60)
    left = [each for each in begun if each.is_running()]
    for each in left:
        each.terminate()
    assert begun
    assert not left
    assert not list(tmp_path.glob("yinfeng-bench-*"))


def test_benchmarks_say_which_there_are():
    command = [sys.executable, "-m", "benchmarks", "--help"]
    done = subprocess.run(command, timeout=60, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "taking_in" in done.stdout


GROWING = """
import sys
from benchmarks import growth

growth.PORTION, growth.FACTS, growth.AT = 600, 600 * int(sys.argv[2]), sys.argv[1]
rows = {what: measured for what, measured, _ in growth.measure()}
assert rows["drift"] == "0", rows
print(sum(what.startswith("processor") for what in rows), growth._read(growth.Path(growth.AT)).runs)
"""


def test_growth_goes_on_where_it_ended(tmp_path: Path):
    """The second run has the database of the first, and its portions."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("YINFENG_")}
    for portions, told in ((1, "1 1"), (3, "3 2")):
        command = [sys.executable, "-c", GROWING, str(tmp_path / "home"), str(portions)]
        done = subprocess.run(command, env=environment, timeout=120, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert done.stdout.strip() == told
    assert "polyline" in (tmp_path / "home" / "growth.svg").read_text(encoding="utf-8")


_ROWS = """
SELECT candidate, version, state, standing, reached, employers, drawn, tags, offer_ends, tagged, merged_into
FROM journeys ORDER BY candidate
"""
_INDEXES = "SELECT indexdef FROM pg_indexes WHERE schemaname IN ('public', 'vault') ORDER BY indexname"


async def test_candidates_are_loaded_as_the_fold_stores_them(conn: Conn, database_url: str, tmp_path: Path):
    """With the indexes that were there before."""
    make_master(tmp_path / "master.key")
    indexes = await (await conn.execute(_INDEXES)).fetchall()
    await asyncio.to_thread(load, database_url, tmp_path / "master.key", b"k" * 32, 60)
    loaded = await (await conn.execute(_ROWS)).fetchall()
    assert await (await conn.execute(_INDEXES)).fetchall() == indexes
    await conn.execute("DELETE FROM journeys")
    journeys = {(CAMPAIGN, id_of(n)): journey_of(n) for n in range(60)}
    await store(conn, {key: (Stored(0, each), milestones(each)) for key, each in journeys.items()})
    assert await (await conn.execute(_ROWS)).fetchall() == loaded
