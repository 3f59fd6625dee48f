"""The bench beside other stream processors: its load, its medians, its table and its picture."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from benchmarks.metering import Sample, between
from benchmarks.pages import between_markers, particulars
from benchmarks.peers import contest, load
from benchmarks.peers.contestants import CONTESTANTS
from benchmarks.peers.ours import Beginning
from benchmarks.peers.plot import Bar, bars
from benchmarks.peers.report import Entry, cautions, picture, table
from benchmarks.peers.results import Fault, Run, Score, others_share, score, wrong
from schemas.facts import validate_event

PROGRAMS = Path(load.__file__).parent / "programs"
SVG = "{http://www.w3.org/2000/svg}"


def run(seconds: float, *, processor: float = 1.0) -> Run:
    return Run(seconds, processor, broker=0.5, others=0.2, memory=100)


def test_the_score_is_the_median_of_the_rounds_that_went_well():
    found = score([run(1), run(4), Fault("fell over"), run(2, processor=3.0)], 1000)
    assert found == Score(500, 250, 1000, processor=1000, broker=500, memory=100, faults=("fell over",))


def test_a_contestant_without_a_good_round_has_its_reason():
    assert score([Fault("first"), Fault("second")], 1000) == Fault("first")
    assert score([], 1000) == Fault("was not tried")


def test_wrong_numbers_are_named():
    assert wrong({"hires": 5, "signups": 9}, {"hires": 5, "signups": 9}) is None
    assert wrong({"hires": 5}, {"hires": 6, "signups": 1000}) == (
        "wrong: hires 5 instead of 6, signups 0 instead of 1,000"
    )


def test_the_share_of_others_is_of_all_cores():
    assert others_share({"a": [run(1), Fault("x")], "b": [run(1)]}, cores=2) == pytest.approx(0.1)
    assert others_share({"a": [Fault("x")]}, cores=2) == 0


def test_what_was_used_lies_between_two_moments():
    samples = [Sample(at, own=at * 2, broker=at, machine=at * 4) for at in (10.0, 11.0, 12.0, 13.0)]
    assert between(samples, 10.5, 12.5) == Sample(2.0, own=4.0, broker=2.0, machine=8.0)
    assert between(samples, 9.0, 99.0) == Sample(90.0, own=6.0, broker=3.0, machine=12.0)


ENTRIES = [
    Entry("slow & steady", "rows", Score(900, 800, 1000, 50, 20, 300)),
    Entry("absent", "nothing", Fault("could not be\ninstalled | no wheel")),
    Entry("ours", "all", Score(1900, 1800, 2000, 80, 10, 1300, ("wrong: x",)), ours=True),
]


def test_the_table_has_the_fastest_first_and_says_what_failed():
    rows = table(ENTRIES).splitlines()[2:]
    assert rows == [
        "| **ours** | 1,900 (1,800–2,000) | 80 | 10 | 1,300 | all (rounds without figures: 1, wrong: x) |",
        "| slow & steady | 900 (800–1,000) | 50 | 20 | 300 | rows |",
        "| absent | – | – | – | – | could not be installed / no wheel |",
    ]


def test_figures_of_a_busy_machine_or_a_short_run_come_with_a_caution():
    assert cautions(300_000, 3, 0.05) == ""
    assert "had 80% of the machine" in cautions(300_000, 3, 0.8)
    assert "few facts" in cautions(12_000, 3, 0.0)
    assert "few rounds" in cautions(300_000, 1, 0.0)


def test_the_picture_has_a_bar_for_each_with_figures_and_a_note_for_the_others():
    drawn = ET.fromstring(picture(ENTRIES, 1000))
    widths = [float(each.get("width", 0)) for each in drawn.iter(f"{SVG}rect")][1:]
    assert len(widths) == 2
    assert widths[0] == pytest.approx(widths[1] * 1900 / 900, rel=0.01)
    words = [each.text for each in drawn.iter(f"{SVG}text")]
    assert words[1:] == ["ours", "1,900 /s", "slow & steady", "900 /s", "absent", "no figures: see the table"]


def test_all_that_are_ours_are_set_off_in_the_table_and_in_the_picture():
    entries = [each for each in ENTRIES if each.title != "absent"]
    entries.append(Entry("ours too", "all", Score(1000, 900, 1100, 80, 10, 1300), ours=True))
    assert [row.split(" | ")[0] for row in table(entries).splitlines()[2:]] == [
        "| **ours**",
        "| **ours too**",
        "| slow & steady",
    ]
    colours = [each.get("fill") for each in ET.fromstring(picture(entries, 1000)).iter(f"{SVG}rect")][1:]
    assert colours[0] == colours[1] != colours[2]


def test_a_picture_without_figures_is_a_picture():
    ET.fromstring(bars("none <b>", [Bar("x", None, note="broken")], "/s"))
    ET.fromstring(bars("none", [], "/s"))


def test_only_what_stands_between_the_markers_is_written_anew():
    page = "a\n<!-- x: written by the command -->\nold\n<!-- x: end -->\nz\n"
    written = between_markers(page, "x", "new\n")
    assert written == page.replace("old", "new")
    assert between_markers(written, "x", "new") == written
    with pytest.raises(ValueError, match="lacks the lines"):
        between_markers("a", "x", "new")


def test_what_figures_depend_on_is_a_line_each():
    assert particulars({"Machine": "2 cores", "Commit": "abc"}) == "- Machine: 2 cores\n- Commit: abc\n"


def test_the_load_is_valid_facts_under_their_own_keys_some_twice():
    events = list(load.events(3_000))
    records = [load.record(event) for event in events]
    facts = [validate_event(event) for event in events]
    assert [record.key for record in records] == [fact.key for fact in facts]
    candidates = [fact.event["id"] for fact in facts if "candidate" in fact.event["data"]]
    wanted = load.expected(3_000)
    assert len(set(candidates)) == wanted.facts
    assert len(candidates) == wanted.facts + len(range(0, wanted.facts, load.REPEATED))


def test_the_peers_fold_comes_to_the_expected_numbers_in_any_order(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(str(PROGRAMS))
    import journey

    events = {event["id"]: event for event in load.events(3_000) if "candidate" in event["data"]}
    for order in (list(events.values()), list(reversed(events.values()))):
        journeys: dict[str, journey.Journey] = {}
        numbers = dict.fromkeys(journey.TARGETS, 0)
        for event in order:
            for target, amount in journey.tell(journeys.setdefault(event["data"]["candidate"], {}), event):
                numbers[target] += amount
        assert numbers == load.expected(3_000).numbers
    sys.modules.pop("journey")


def test_a_hire_that_ended_counts_no_more(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(str(PROGRAMS))
    import journey

    known: journey.Journey = {}
    hire = {"source": "/hr", "id": "1", "time": "2026-01-01", "data": {"employer": "huayou"}, "type": "hire.started"}
    assert journey.tell(known, hire) == [("graduates", 1)]
    assert journey.tell(known, {**hire, "id": "2", "type": "hire.ended"}) == [("graduates", -1)]
    sys.modules.pop("journey")


def test_the_clock_begins_when_the_first_worker_has_its_partitions(tmp_path: Path):
    one, two = marks = [tmp_path / name for name in ("one", "two")]
    beginning = Beginning(marks)
    assert beginning.look() is None
    for mark, at in ((two, 20.0), (one, 21.0)):
        mark.touch()
        os.utime(mark, (at, at))
    assert beginning.look() == 20.0
    os.utime(two, (25.0, 25.0))  # the group shared the partitions out again
    assert beginning.look() == 20.0


def test_of_a_contestant_that_ends_what_any_of_its_processes_said_last_is_told(tmp_path: Path):
    @contextmanager
    def start(course: contest.Course, folder: Path) -> Iterator[contest.Started]:
        for name, words in (("worker-0", "all is well"), ("worker-1", "Error: no such table\nbye")):
            (folder / name).mkdir()
            (folder / name / "log").write_text(words)
        yield contest.Started([], lambda: None, lambda: False)

    course = contest.Course("", "", os.getpid(), load.expected(600), seconds=1)
    assert contest.run(start, course, tmp_path / "round") == Fault("did not finish: Error: no such table")


def test_we_take_part_with_one_worker_and_with_as_many_as_kafka_streams_has_threads():
    assert [each.name for each in CONTESTANTS if each.ours] == ["yinfeng", "yinfeng-two"]


def test_each_contestant_has_a_name_of_its_own_and_pinned_packages():
    assert len({each.name for each in CONTESTANTS}) == len(CONTESTANTS)
    for pins in PROGRAMS.glob("*.txt"):
        lines = pins.read_text().split()
        assert lines
        assert all("==" in line for line in lines), pins
