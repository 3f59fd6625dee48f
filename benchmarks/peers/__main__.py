"""`make bench-peers`: Yinfeng beside other stream processors, on the same facts, in one run.

The results go into docs/performance.md and docs/images/peers.svg.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from benchmarks import surroundings
from benchmarks.pages import between_markers, particulars
from benchmarks.peers import contest, load
from benchmarks.peers.contestants import CONTESTANTS, Contestant
from benchmarks.peers.installing import CACHE, CannotInstall
from benchmarks.peers.report import Entry, cautions, picture, ranked, table
from benchmarks.peers.results import Fault, Round, Run, Score, others_share, score
from benchmarks.running import end_in_order
from schemas.topics import FACTS, TOPICS
from tests.kafka import apache_kafka
from yinfeng.embedded.apache import why_not
from yinfeng.kafka_admin import create_topics_first, kafka_admin

PAGE = Path("docs/performance.md")
# The broker as Kafka's own scripts start it, and with its own wait for a group's members, which tests put aside: who
# comes within that is there when partitions are first shared out.
JAVA = (
    "-Xms1g",
    "-Xmx1g",
    "-server",
    "-XX:+UseG1GC",
    "-XX:MaxGCPauseMillis=20",
    "-XX:InitiatingHeapOccupancyPercent=35",
)
GATHERING = "group.initial.rebalance.delay.ms=3000\n"
PICTURE = Path("docs/images/peers.svg")

Results = dict[str, list[Round]]

_console = Console()


def main(
    facts: Annotated[
        int, typer.Option("-n", "--facts", min=600, help="Facts of whole journeys on the topic")
    ] = 300_000,
    rounds: Annotated[int, typer.Option(min=1, help="Rounds; each contestant takes part in each")] = 3,
    only: Annotated[list[str] | None, typer.Option(help="Only this contestant (may be said again)")] = None,
    seconds: Annotated[float, typer.Option(help="The most that a contestant may take for one round")] = 400.0,
    write: Annotated[bool, typer.Option(help="Write docs/performance.md and its picture")] = True,
) -> None:
    """Measure, print, and write the page."""
    end_in_order()
    if reason := why_not():
        raise SystemExit(reason)
    known = [each.name for each in CONTESTANTS]
    if unknown := set(only or ()) - set(known):
        raise SystemExit(f"There is no contestant {', '.join(unknown)}; there are {', '.join(known)}")
    taking_part = [each for each in CONTESTANTS if not only or each.name in only]
    begun = surroundings.moment()
    for results in measure(taking_part, facts, rounds, seconds):
        entries = [_entry(each, results[each.name], facts) for each in taking_part]
        if write:  # each time: a run that is broken off leaves what it had
            _write(entries, begun, facts, results)
    for entry in ranked(entries):
        _console.print(_line(entry))


def measure(taking_part: list[Contestant], facts: int, rounds: int, seconds: float) -> Iterator[Results]:
    """All rounds so far, after each contestant: in each round all of them one after another, so that what
    else the machine does meets them alike."""
    starts = {each.name: _installed(each) for each in taking_part}
    found: Results = {each.name: [] for each in taking_part}
    with _broker() as broker, tempfile.TemporaryDirectory(prefix="yinfeng-peers-") as folder:
        Path(folder).chmod(0o755)  # PostgreSQL runs as another user when root starts it
        _console.print(f"loading {facts:,} facts …", style="dim")
        load.load(broker.address, facts)
        course = contest.Course(broker.address, FACTS, broker.process.pid, load.expected(facts), seconds)
        for number in range(rounds):
            for each in taking_part:
                found[each.name].append(_round(starts[each.name], course, Path(folder) / f"{each.name}-{number}"))
                _console.print(f"round {number + 1}: {each.title}: {_told(found[each.name][-1], course)}", style="dim")
                _forget_topics(broker.address)
                yield found


def _write(entries: list[Entry], begun: str, facts: int, results: Results) -> None:
    rounds = max(map(len, results.values()))
    others = others_share(results, os.cpu_count() or 1)
    said = particulars(surroundings.told(begun, facts, rounds, others))
    text = f"{said}\n{cautions(facts, rounds, others)}{table(entries)}"
    PAGE.write_text(between_markers(PAGE.read_text(), "peers", text))
    PICTURE.write_text(picture(entries, facts))


def _installed(contestant: Contestant) -> contest.Start | Fault:
    _console.print(f"installing {contestant.title} …", style="dim")
    try:
        return contestant.install()
    except CannotInstall as error:
        return Fault(str(error))


def _round(start: contest.Start | Fault, course: contest.Course, folder: Path) -> Round:
    if isinstance(start, Fault):
        return start
    try:
        return contest.run(start, course, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _broker() -> Iterator[apache_kafka.ApacheKafka]:
    name = f"peers-{os.getpid()}"
    broker = apache_kafka.start(CACHE.parent / "kafka", name, more=GATHERING, java=JAVA)
    try:
        create_topics_first(broker.address)
        yield broker
    finally:
        broker.stop()
        shutil.rmtree(broker.folder, ignore_errors=True)


def _forget_topics(kafka: str) -> None:
    """What a contestant left on the broker, changelogs above all, must not burden the next."""
    with kafka_admin(kafka) as admin:
        left = [name for name in admin.list_topics() if name not in TOPICS and not name.startswith("__")]
        if left:
            admin.delete_topics(left)


def _entry(contestant: Contestant, rounds: list[Round], facts: int) -> Entry:
    return Entry(contestant.title, contestant.at_end, score(rounds, facts), contestant.ours)


def _told(result: Round, course: contest.Course) -> str:
    return f"{course.expected.facts / result.seconds:,.0f}/s" if isinstance(result, Run) else result.reason


def _line(entry: Entry) -> str:
    if isinstance(entry.score, Score):
        return f"{entry.title}: {entry.score.rate:,.0f} facts/s, {entry.score.processor:.0f} µs of processor a fact"
    return f"{entry.title}: {entry.score.reason}"


if __name__ == "__main__":
    typer.run(main)
