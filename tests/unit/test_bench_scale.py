"""The bench of several workers: what it posts, what must come of it, and what follows from its figures."""

from __future__ import annotations

import pytest

from benchmarks import pages
from benchmarks.scale_report import Outcome, cost_lines, outcome_table, sizing_table
from benchmarks.scaled import expected, spread
from benchmarks.sizing import Costs, Demand, Server, limit, size
from schemas.facts import validate_event

COSTS = Costs(worker=70, postgres=50, stored=1600, logged=1000, carried=450, connections=5)
SERVER = Server(cores=16, holds=4.0, connections=400)


def test_the_facts_are_valid_and_spread_evenly_over_the_campaigns():
    facts = [validate_event(event) for event in spread(600, 3)]
    assert len({fact.event["id"] for fact in facts}) == len(facts)
    hires = [fact.campaign for fact in facts if fact.type == "hire.started"]
    assert {name: hires.count(name) for name in set(hires)} == {
        name: number for (name, target), number in expected(600, 3).items() if target == "graduates"
    }
    assert sum(fact.type == "target.set" for fact in facts) == 9


def test_a_demand_has_its_peak_in_the_season():
    demand = Demand(1e9, season=0.6, days=60, hours=8, rush=3, burst=4)
    assert demand.mean == pytest.approx(31.7, abs=0.05)
    assert demand.in_season == pytest.approx(347, abs=0.5)
    assert demand.peak == pytest.approx(1042, abs=1)
    assert demand.minute == pytest.approx(4167, abs=1)


def test_the_size_follows_from_processors_bytes_and_connections():
    needed = size(Demand(1e9), COSTS, SERVER, years=3)
    assert needed.worker_cores == pytest.approx(4167 * 70e-6 / 0.7, rel=0.01)
    assert needed.workers == 1
    assert needed.stored == pytest.approx(1.6)
    assert needed.databases == 2  # 4.8 TB in three years, on servers of 4
    assert needed.partitions == 8
    assert size(Demand(1e10), COSTS, SERVER, years=3).databases == 12
    crowded = Costs(worker=700, postgres=5, stored=1, logged=1, carried=1, connections=400)
    assert size(Demand(1e9), crowded, SERVER, years=1).databases == 5


def test_one_database_takes_what_half_its_processors_can():
    assert limit(COSTS, SERVER) == pytest.approx(160_000)


def test_the_tables_have_a_line_for_each_run_and_each_demand():
    found = Outcome(2, 1, 8000, (4, 4), (100, 110), 3, 0.25, True, False, 70, 50, 1600, 1000, 450, 5)
    lines = outcome_table([found]).splitlines()
    assert lines[2] == "| 2 | 1 | 8,000 | 4 · 4 | 100 · 110 | 3 | 25% | yes | drift 0 | 70 | 50 |"
    assert len(sizing_table(found.costs(), SERVER, 3).splitlines()) == 6
    assert cost_lines(found.costs(), SERVER)["Connections of a worker"] == "5"


def test_a_table_keeps_what_would_end_a_cell_out():
    assert pages.table(("a", "b"), [("x|y", "one\ntwo")]) == "| a | b |\n| --- | --- |\n| x/y | one two |\n"
