"""`post`, `demo`: facts go in over HTTP, with a progress bar."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from producers.post import HttpPoster, Posted, portions
from schemas.settings import load_settings
from yinfeng.demo.park import park_story
from yinfeng.demo.play import DEFAULT_SPEED, Played, play
from yinfeng.surroundings import api

Url = Annotated[str | None, typer.Option(help="Address of the web app (YINFENG_URL, else the one running here).")]
Key = Annotated[str | None, typer.Option(help="Access key (YINFENG_KEY, else the file organizer.key in the home).")]


def post(
    file: Annotated[str, typer.Argument(help="NDJSON, one CloudEvent a line, plain or gzip; - is standard input.")],
    url: Url = None,
    key: Key = None,
) -> None:
    """Post facts from a file. Posting it again is harmless: what is known is counted as a duplicate."""
    console, total = Console(stderr=True), Posted()
    where = api(load_settings(), url, key)
    poster = HttpPoster(where.url, where.key)
    try:
        with _opened(file) as (stream, size), _bar(console) as bar:
            task = bar.add_task("posting", total=size or None)
            for first, lines in portions(stream):
                poster.post(lines, total, first_line=first)
                bar.update(task, advance=sum(len(line) + 1 for line in lines), description=_counts(total))
    finally:
        poster.close()
    _say(total)
    raise typer.Exit(1 if total.rejected else 0)


def demo(
    speed: Annotated[str, typer.Option(help="Campaign days a second, or max.")] = str(DEFAULT_SPEED),
    seed: Annotated[int, typer.Option(help="Another seed, another year.")] = 2022,
    candidates: Annotated[int, typer.Option(min=200, max=200_000, help="How many candidates.")] = 8000,
    url: Url = None,
    key: Key = None,
) -> None:
    """Play an industrial park's year: 60 fairs, 8,000 candidates, 2000 graduates hired. Watch it in the browser."""
    pace = _speed(speed)
    where = api(load_settings(), url, key)
    story = park_story(seed, today=datetime.now(UTC).date(), candidates=candidates)
    console, poster = Console(stderr=True), HttpPoster(where.url, where.key)

    def send(facts: list[dict[str, Any]]) -> _Answer:
        total = Posted()
        poster.post([json.dumps(fact, ensure_ascii=False).encode() for fact in facts], total)
        return _Answer(total)

    console.print(f"Playing {story.grads} and {story.talents} into {where.url}", highlight=False)
    try:
        with _bar(console, MofNCompleteColumn()) as bar:
            task = bar.add_task("playing", total=len(story.facts))

            def show(played: Played) -> None:
                at = f"{played.at:%Y-%m-%d}" if played.at else "playing"
                bar.update(task, completed=played.posted, description=at)

            played = play(story.facts, send, speed=pace, clock=time.monotonic, sleep=time.sleep, on_progress=show)
    finally:
        poster.close()
    typer.echo(f"{played.accepted} accepted, {played.duplicates} duplicates, {played.rejected} rejected")
    typer.echo("The ending to expect: " + ", ".join(f"{name} {n:,}" for name, n in story.expected.targets.items()))
    raise typer.Exit(1 if played.rejected else 0)


class _Answer:
    """A portion's answer in the player's words."""

    def __init__(self, total: Posted) -> None:
        self.accepted, self.duplicates = total.accepted, total.duplicates
        self.rejected = total.rejections


@contextmanager
def _opened(file: str) -> Iterator[tuple[IO[bytes], int]]:
    if file == "-":
        yield sys.stdin.buffer, 0
        return
    path = Path(file)
    try:
        stream = path.open("rb")
    except OSError as error:
        raise typer.BadParameter(f"{file} can't be read: {error.strerror}") from None
    with stream:
        packed = path.suffix == ".gz"
        yield stream, 0 if packed else path.stat().st_size


def _bar(console: Console, *more: Any) -> Progress:
    columns = [TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), *more, TimeElapsedColumn()]
    return Progress(*columns, console=console, transient=True)


def _counts(total: Posted) -> str:
    return f"{total.accepted} accepted, {total.duplicates} duplicates, {total.rejected} rejected"


def _say(total: Posted) -> None:
    typer.echo(_counts(total))
    for each in total.rejections:
        errors = "; ".join(f"{error['field'] or 'event'}: {error['message']}" for error in each["errors"])
        typer.echo(f"  line {each['line']} (id {each['id']}): {errors}", err=True)
    if total.rejected > len(total.rejections):
        typer.echo(f"  and {total.rejected - len(total.rejections)} more", err=True)


def _speed(text: str) -> float:
    if text == "max":
        return 0
    try:
        return float(text)
    except ValueError:
        raise typer.BadParameter(f"--speed is a number of campaign days a second, or max; not {text!r}") from None
