"""Apache Kafka as a direct child, with its log under `$YINFENG_HOME`: for one machine that keeps what was posted
straight to it through restarts. It needs Java, and Maven for the first fetch."""

from __future__ import annotations

import fcntl
import os
import shutil
import socket
import subprocess
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from schemas.errors import BrokerUnavailable, ConfigurationError
from yinfeng.child_spec import ChildSpec
from yinfeng.kafka_admin import answers, create_topics

POM: Final = Path(__file__).with_name("kafka-pom.xml")
PORTS: Final = range(29_200, 32_000)  # below those of outgoing lines: see broker.py
HEAP: Final = ("-Xms128m", "-Xmx400m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
_CLUSTER: Final = "WWluZmVuZy1LYWZrYS1UZQ"

PROPERTIES: Final = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
controller.listener.names=CONTROLLER
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs={data}
num.network.threads=2
num.io.threads=2
offsets.topic.num.partitions=8
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=500
auto.create.topics.enable=false
"""

LOG4J: Final = """\
status = error
appender.out.type = Console
appender.out.name = out
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = %d{ISO8601} %p %c{1} %m%n
rootLogger.level = warn
rootLogger.appenderRef.out.ref = out
"""


class EmbeddedKafka:
    """One broker on 127.0.0.1. Its port stays the same over restarts, its log as long as the home."""

    GROUP_SESSION: Final = 6.0  # seconds

    def __init__(self, home: Path) -> None:
        """Raises ConfigurationError when Java or Maven is missing, or Kafka can't be fetched."""
        if reason := why_not():
            raise ConfigurationError(reason)
        self.folder = home.absolute() / "kafka"
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._libs = fetch(self.folder)
        self.port = self._configure()

    @property
    def address(self) -> str:
        """`host:port`, for Kafka clients."""
        return f"127.0.0.1:{self.port}"

    def spec(self) -> ChildSpec:
        """How a supervisor runs it."""
        java = shutil.which("java") or "java"
        return ChildSpec(
            name="broker",
            command=(
                java,
                *command(self.folder, self._libs, "kafka.Kafka", str(self.folder / "server.properties"))[1:],
            ),
            env={"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"},
            cwd=self.folder,
            is_ready=self.is_ready,
            stands_still=lambda pid: None if answers(self.address, within=3.0) else "does not answer",
            start_timeout=120.0,
        )

    def is_ready(self) -> bool:
        """Whether it answers and has the topics."""
        try:
            create_topics(self.address)
        except BrokerUnavailable:
            return False
        return True

    def _configure(self) -> int:
        properties = self.folder / "server.properties"
        if properties.exists():
            return _port_of(properties)
        port, controller = free_ports(2, self.folder)
        (self.folder / "log4j2.properties").write_text(LOG4J)
        fresh = properties.with_suffix(".new")
        fresh.write_text(PROPERTIES.format(port=port, controller=controller, data=self.folder / "data"))
        format_storage(self.folder, self._libs, fresh)
        fresh.rename(properties)
        return port


def was_begun(home: Path) -> bool:
    """Whether this home has Apache Kafka's log, so that it is to be used again."""
    return (home / "kafka" / "server.properties").exists()


def why_not() -> str | None:
    """What is missing for it to run, or None when it can."""
    missing = [program for program in ("java", "mvn") if shutil.which(program) is None]
    if not missing:
        return None
    return f"Apache Kafka needs {' and '.join(missing)} (Java 17 or later, Maven 3): not found on the PATH"


def fetch(folder: Path) -> Path:
    """The folder of Kafka's jars, fetched from Maven's repository when the pom is newer than it.

    Raises ConfigurationError.
    """
    libs = folder.absolute() / "libs"
    done = libs / ".fetched"
    with _alone(folder):
        if not done.exists() or done.stat().st_mtime < POM.stat().st_mtime:
            goal = ["dependency:copy-dependencies", "-DincludeScope=runtime", f"-DoutputDirectory={libs}"]
            shutil.rmtree(libs, ignore_errors=True)
            _run(["mvn", "-q", "-B", "-f", str(POM), *goal], "Maven could not fetch Apache Kafka")
            done.touch()
    return libs


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One process at a time; the others wait."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def format_storage(folder: Path, libs: Path, properties: Path, users: tuple[str, ...] = ()) -> None:
    """Make the log's folder; `users` as kafka-storage takes them. Raises ConfigurationError."""
    words = ["format", "--cluster-id", _CLUSTER, "--config", str(properties)]
    words += [word for user in users for word in ("--add-scram", user)]
    _run(command(folder, libs, "kafka.tools.StorageTool", *words), "Kafka's storage could not be formatted")


def command(folder: Path, libs: Path, main: str, *arguments: str, options: Sequence[str] = HEAP) -> list[str]:
    """How Java runs a program of Kafka's; `options` are Java's own."""
    log4j = f"-Dlog4j2.configurationFile={folder / 'log4j2.properties'}"
    return ["java", *options, log4j, "-cp", f"{libs}/*", main, *arguments]


def free_ports(count: int, folder: Path) -> list[int]:
    """Ports of loopback that nobody has, looked for from elsewhere for each folder, so that two that start at once do
    not meet. Raises ConfigurationError."""
    found: list[int] = []
    first = zlib.crc32(os.fsencode(folder.resolve())) % len(PORTS)
    for port in [*PORTS[first:], *PORTS[:first]]:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with suppress(OSError):
                probe.bind(("127.0.0.1", port))
                found.append(port)
        if len(found) == count:
            return found
    raise ConfigurationError("No free port on loopback for Apache Kafka")


def _port_of(properties: Path) -> int:
    for line in properties.read_text().splitlines():
        if line.startswith("advertised.listeners="):
            return int(line.rpartition(":")[2])
    raise ConfigurationError(f"{properties} names no listener; remove the folder {properties.parent} to begin anew")


def _run(words: list[str], failure: str) -> None:
    done = subprocess.run(words, check=False, capture_output=True, text=True)  # noqa: S603 - our own words
    if done.returncode:
        raise ConfigurationError(f"{failure}:\n{(done.stdout + done.stderr).strip()[-2000:]}")
