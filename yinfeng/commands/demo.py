"""`yinfeng demo`: a park's year, played into the platform."""

from __future__ import annotations

import json
import sys
import time
from datetime import UTC, datetime
from typing import Annotated, Any
from urllib.parse import quote, urlsplit

import segno
import typer
from rich.console import Console
from rich.progress import MofNCompleteColumn

from producers.post import HttpPoster, PostAnswer
from schemas.settings import load_settings
from yinfeng.commands.options import KeyOption, UrlOption
from yinfeng.commands.progress import progress_bar
from yinfeng.demo.park import park_story
from yinfeng.demo.play import DEFAULT_SPEED, Played, play
from yinfeng.surroundings import api


def demo(
    speed: Annotated[str, typer.Option(help="Campaign days a second, or max.")] = str(DEFAULT_SPEED),
    seed: Annotated[int, typer.Option(help="Another seed, another year.")] = 2022,
    candidates: Annotated[int, typer.Option(min=200, max=200_000, help="How many candidates.")] = 8000,
    url: UrlOption = None,
    key: KeyOption = None,
) -> None:
    """Play an industrial park's year: 60 fairs, 8,000 candidates, 2000 graduates hired. Watch it in the browser."""
    pace = _speed(speed)
    where = api(load_settings(), url, key)
    story = park_story(seed, today=datetime.now(UTC).date(), candidates=candidates)
    console, poster = Console(stderr=True), HttpPoster(where.url, where.key)

    def send(facts: list[dict[str, Any]]) -> _Answer:
        total = PostAnswer()
        poster.post([json.dumps(fact, ensure_ascii=False).encode() for fact in facts], total)
        return _Answer(total)

    console.print(f"Playing {story.grads} and {story.talents} into {where.url}", highlight=False)
    try:
        with progress_bar(console, MofNCompleteColumn()) as bar:
            task = bar.add_task("playing", total=len(story.facts))

            def show(played: Played) -> None:
                at = f"{played.at:%Y-%m-%d}" if played.at else "playing"
                bar.update(task, completed=played.posted, description=at)

            played = play(story.facts, send, speed=pace, clock=time.monotonic, sleep=time.sleep, on_progress=show)
    finally:
        poster.close()
    typer.echo(f"{played.accepted} accepted, {played.duplicates} duplicates, {played.rejected} rejected")
    typer.echo("The ending to expect: " + ", ".join(f"{name} {n:,}" for name, n in story.expected.targets.items()))
    _invite(load_settings().public_url or where.url, story.grads, story.next_fair)
    raise typer.Exit(1 if played.rejected else 0)


def _invite(base: str, campaign: str, fair: str) -> None:
    """Where a reader signs up to the next fair, to be opened or scanned."""
    url = f"{base.rstrip('/')}/fairs/{quote(campaign, safe='')}/{quote(fair, safe='')}"
    typer.echo(f"\nThe next fair is open for signups · 下一场招聘会正在报名:\n{url}\n")
    segno.make_qr(url, error="l").terminal(out=sys.stdout, border=2, compact=True)
    typer.echo("Sign up in a second window, and watch the number of signups move in the first.")
    if urlsplit(url).hostname in ("127.0.0.1", "localhost", "::1"):
        typer.echo(
            "A telephone needs an address that it can reach: run with YINFENG_HOST=0.0.0.0 and YINFENG_PUBLIC_URL."
        )


class _Answer:
    """A portion's answer in the player's words."""

    def __init__(self, total: PostAnswer) -> None:
        self.accepted, self.duplicates = total.accepted, total.duplicates
        self.rejected = total.rejections


def _speed(text: str) -> float:
    if text == "max":
        return 0
    try:
        return float(text)
    except ValueError:
        raise typer.BadParameter(f"--speed is a number of campaign days a second, or max; not {text!r}") from None
