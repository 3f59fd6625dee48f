"""Messages a second through a Faust agent that does nothing: Faust's own transport and ours, in one run."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.facts import journeys
from benchmarks.running import home
from producers.client import BulkPoster
from schemas.settings import Settings
from schemas.topics import FACTS
from storage.ledger.positions import Log
from streams.app import CHUNKS, make_app
from streams.chunks import Chunk
from yinfeng.children import running
from yinfeng.embedded.broker import EmbeddedBroker

MESSAGES = 60_000


def measure() -> Iterator[tuple[str, str, str]]:
    with home() as at:
        at.mkdir(exist_ok=True)
        broker = EmbeddedBroker(at)
        with running(broker.spec(), at / "logs"):
            with BulkPoster(broker.address) as poster:
                sent = poster.post(journeys(MESSAGES, prefix="d"))
            stock = _in_a_process("stock", broker.address, at, sent)
            ours = _in_a_process("ours", broker.address, at, sent)
    yield "an agent that does nothing, Faust's own transport", f"{stock:,.0f}/s", ""
    yield "the same, our transport", f"{ours:,.0f}/s", ""
    yield "  ratio", f"{ours / stock:.2f}", ""


def _in_a_process(kind: str, address: str, at: Path, messages: int) -> float:
    command = [sys.executable, "-m", "benchmarks.drain", kind, address, str(at), str(messages)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(done.stderr[-2000:])
    return float((at / kind / "rate").read_text())


def _drain(kind: str, address: str, at: Path, messages: int) -> None:
    """Run an agent until it has seen so many, write messages a second into a file, and end the process."""
    import faust  # noqa: PLC0415 - in the child alone

    (at / kind).mkdir()
    if kind == "ours":
        app = make_app(Settings(home=at / kind, kafka=address))
        app.identify, app.pulse, app.placer = _some_log, _silent, FromTheStart()
    else:
        app = _stock_app(address, at / kind)

    async def count(stream: Any) -> None:
        seen, began = 0, 0.0
        async for batch in stream.take(2000 if kind == "stock" else CHUNKS, within=0.05):
            began = began or time.perf_counter()
            seen += len(batch) if kind == "stock" else _taken(app, batch)
            if seen >= messages:
                (at / kind / "rate").write_text(str((seen - 2000) / (time.perf_counter() - began)))
                os._exit(0)

    topic = app.topic(FACTS, key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw")
    app.agent(topic, name="count")(count)
    faust.Worker(app, loglevel="WARNING", redirect_stdouts=False, quiet=True).execute_from_commandline()


class FromTheStart:
    """Places every partition at its start: this drains into nothing, so that there is no position."""

    async def place(self, at: Log, starts: dict[int, int], ends: dict[int, int]) -> dict[int, int]:
        return starts


async def _some_log() -> Log:
    return Log("", FACTS, "")


def _silent(waits_for: str | None) -> None:
    pass


def _taken(app: Any, chunks: list[Chunk]) -> int:
    for chunk in chunks:
        app.facts_flow.done(chunk)
    return sum(len(chunk.records) for chunk in chunks)


def _stock_app(address: str, at: Path) -> Any:
    import faust  # noqa: PLC0415 - in the child alone

    return faust.App(
        "stock",
        broker=f"kafka://{address}",
        datadir=str(at),
        topic_allow_declare=False,
        topic_disable_leader=True,
        web_enabled=False,
        consumer_auto_offset_reset="earliest",
        broker_session_timeout=6,
        broker_rebalance_timeout=6,
        broker_heartbeat_interval=2,
    )


if __name__ == "__main__":
    _drain(sys.argv[1], sys.argv[2], Path(sys.argv[3]), int(sys.argv[4]))
