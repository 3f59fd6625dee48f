"""`yinfeng post`: facts from a file, over HTTP."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Annotated

import typer
from rich.console import Console

from producers.post import HttpPoster, PostAnswer, portions
from schemas.settings import load_settings
from yinfeng.commands.options import KeyOption, UrlOption
from yinfeng.commands.progress import progress_bar
from yinfeng.surroundings import api


def post(
    file: Annotated[str, typer.Argument(help="NDJSON, one CloudEvent a line, plain or gzip; - is standard input.")],
    url: UrlOption = None,
    key: KeyOption = None,
) -> None:
    """Post facts from a file. Posting it again is harmless: what is known is counted as a duplicate."""
    console, total = Console(stderr=True), PostAnswer()
    where = api(load_settings(), url, key)
    poster = HttpPoster(where.url, where.key)
    try:
        with _opened(file) as (stream, size), progress_bar(console) as bar:
            task = bar.add_task("posting", total=size or None)
            for first, lines in portions(stream):
                poster.post(lines, total, first_line=first)
                bar.update(task, advance=sum(len(line) + 1 for line in lines), description=_counts(total))
    finally:
        poster.close()
    _say(total)
    raise typer.Exit(1 if total.rejected else 0)


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


def _counts(total: PostAnswer) -> str:
    return f"{total.accepted} accepted, {total.duplicates} duplicates, {total.rejected} rejected"


def _say(total: PostAnswer) -> None:
    typer.echo(_counts(total))
    for each in total.rejections:
        errors = "; ".join(f"{error['field'] or 'event'}: {error['message']}" for error in each["errors"])
        typer.echo(f"  line {each['line']} (id {each['id']}): {errors}", err=True)
    if total.rejected > len(total.rejections):
        typer.echo(f"  and {total.rejected - len(total.rejections)} more", err=True)
