"""Apache Kafka itself for tests: one KRaft broker and controller on loopback, fetched with Maven.

`make kafka` runs this file; the integration tests use `start()`.
"""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil
from kafka.admin import KafkaAdminClient
from kafka.errors import KafkaError

from schemas.errors import BrokerUnavailable, ConfigurationError
from schemas.topics import FACTS_GROUP, TOPICS
from yinfeng.kafka_admin import create_topics, kafka_admin
from yinfeng.status_file import end_processes

_POM: Final = Path(__file__).with_name("pom.xml")
_HEAP: Final = ("-Xms128m", "-Xmx400m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
_CLUSTER: Final = "WWluZmVuZy1LYWZrYS1UZQ"
READY_WITHIN: Final = 60.0

_PROPERTIES: Final = """\
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

# A second listener, for clients that say who they are.
_SECURED: Final = """\
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller},SASL_SSL://127.0.0.1:{secured}
advertised.listeners=PLAINTEXT://127.0.0.1:{port},SASL_SSL://localhost:{secured}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL_SSL:SASL_SSL
sasl.enabled.mechanisms=SCRAM-SHA-512
listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config=\
    org.apache.kafka.common.security.scram.ScramLoginModule required;
ssl.keystore.type=PEM
ssl.keystore.location={keystore}
"""

_LOG4J: Final = """\
status = error
appender.out.type = Console
appender.out.name = out
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = %d{ISO8601} %p %c{1} %m%n
rootLogger.level = warn
rootLogger.appenderRef.out.ref = out
"""


def why_not() -> str | None:
    """What is missing for a broker to run, or None when it can."""
    missing = [program for program in ("java", "mvn") if shutil.which(program) is None]
    if not missing:
        return None
    return f"Apache Kafka needs {' and '.join(missing)} (Java 17 or later, Maven 3): not found on the PATH"


def is_available() -> bool:
    """Whether Java and Maven are here. The first `start` still fetches Kafka."""
    return why_not() is None


@dataclass(slots=True)
class ApacheKafka:
    """A broker that runs. Its data lasts as long as `folder`; the address is the same after a restart."""

    folder: Path
    libs: Path
    port: int
    process: subprocess.Popen[bytes]
    secured: int = 0

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def kill(self) -> None:
        """End it with SIGKILL, as a crash would."""
        self.process.kill()
        self.process.wait()

    def restart(self) -> None:
        """Start it again on the same data and port, and wait until it answers."""
        self.stop()
        self.process = _launch(self.folder, self.libs)
        _wait_until_ready(self)

    def stop(self) -> None:
        """End it in order; harmless when it is ended already."""
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.kill()


@dataclass(frozen=True, slots=True)
class Guarded:
    """A listener for those who know the password; `keystore` is its key and certificates, in PEM."""

    username: str
    password: str
    keystore: Path


def start(cache: Path, name: str = "broker", guarded: Guarded | None = None) -> ApacheKafka:
    """Fetch Kafka into `cache` if it is not there, and run a broker with fresh data in `cache/name`.

    Raises ConfigurationError when Java or Maven is missing, BrokerUnavailable when it does not come up.
    """
    if reason := why_not():
        raise ConfigurationError(reason)
    libs = fetch(cache)
    folder = cache / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    port, controller, secured = _free_ports(3)
    data = folder / "data"
    properties = _PROPERTIES.format(port=port, controller=controller, data=data)
    if guarded:
        properties += _SECURED.format(port=port, controller=controller, secured=secured, keystore=guarded.keystore)
    (folder / "server.properties").write_text(properties)
    (folder / "log4j2.properties").write_text(_LOG4J)
    _format(folder, libs, guarded)
    broker = ApacheKafka(folder, libs, port, _launch(folder, libs), secured)
    _wait_until_ready(broker)
    return broker


def fetch(cache: Path) -> Path:
    """The folder of Kafka's jars, fetched from Maven's repository when the pom is newer than it."""
    libs = cache.absolute() / "libs"
    done = libs / ".fetched"
    if not done.exists() or done.stat().st_mtime < _POM.stat().st_mtime:
        goal = ["dependency:copy-dependencies", "-DincludeScope=runtime", f"-DoutputDirectory={libs}"]
        shutil.rmtree(libs, ignore_errors=True)
        _run(["mvn", "-q", "-B", "-f", str(_POM), *goal], "Maven could not fetch Apache Kafka")
        done.touch()
    return libs


def empty_topics(address: str) -> None:
    """Make our topics anew, and forget the worker's group. Nobody may be using them."""
    with kafka_admin(address) as admin:
        gone = sorted(TOPICS.keys() & set(admin.list_topics()))
        if gone:
            admin.delete_topics(gone)
        while TOPICS.keys() & set(admin.list_topics()):
            time.sleep(0.05)
        # A member that was killed keeps its group from being deleted until its session has run out.
        while FACTS_GROUP in {group["group_id"] for group in admin.list_groups()}:
            admin.delete_groups([FACTS_GROUP])
            time.sleep(0.05)
    create_topics(address, exact=True)


def _format(folder: Path, libs: Path, guarded: Guarded | None) -> None:
    users = [f"SCRAM-SHA-512=[name={guarded.username},password={guarded.password}]"] if guarded else []
    words = ["format", "--cluster-id", _CLUSTER, "--config", str(folder / "server.properties")]
    words += [word for user in users for word in ("--add-scram", user)]
    _run(_java(folder, libs, "kafka.tools.StorageTool", *words), "Kafka's storage could not be formatted")


def _launch(folder: Path, libs: Path) -> subprocess.Popen[bytes]:
    with (folder / "kafka.log").open("ab") as log:
        return subprocess.Popen(
            _java(folder, libs, "kafka.Kafka", str(folder / "server.properties")),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def _java(folder: Path, libs: Path, main: str, *arguments: str) -> list[str]:
    log4j = f"-Dlog4j2.configurationFile={folder / 'log4j2.properties'}"
    return ["java", *_HEAP, log4j, "-cp", f"{libs}/*", main, *arguments]


def _run(command: list[str], failure: str) -> None:
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        raise ConfigurationError(f"{failure}:\n{(done.stdout + done.stderr).strip()[-2000:]}")


def _wait_until_ready(broker: ApacheKafka) -> None:
    deadline = time.monotonic() + READY_WITHIN
    while time.monotonic() < deadline and broker.process.poll() is None:
        if _answers(broker.address):
            return
        time.sleep(0.1)
    log = (broker.folder / "kafka.log").read_text(errors="replace")
    broker.kill()
    raise BrokerUnavailable(f"Apache Kafka did not come up on {broker.address}:\n{log[-2000:]}")


def _answers(address: str) -> bool:
    host, _, port = address.partition(":")
    try:
        socket.create_connection((host, int(port)), timeout=1).close()
        admin = KafkaAdminClient(bootstrap_servers=address, request_timeout_ms=5_000)
    except (OSError, KafkaError):
        return False
    try:
        return bool(admin.describe_cluster()["brokers"])
    except KafkaError:
        return False
    finally:
        admin.close()


def _free_ports(count: int) -> list[int]:
    # Below the range of outgoing ports, where a client knocking at a dead broker could take its port.
    found: list[int] = []
    for port in range(29_200, 32_000):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with suppress(OSError):
                probe.bind(("127.0.0.1", port))
                found.append(port)
        if len(found) == count:
            return found
    raise ConfigurationError("No free port on loopback for Apache Kafka")


def _main(cache: Path, what: str) -> None:
    """`start` leaves a broker running, its address in `cache/address`; `stop` ends it."""
    address, note = cache / "address", cache / "pid"
    _stop_noted(note)
    address.unlink(missing_ok=True)
    if what == "start":
        broker = start(cache)
        note.write_text(f"{broker.process.pid} {psutil.Process(broker.process.pid).create_time()}\n")
        address.write_text(f"{broker.address}\n")
        print(f"Apache Kafka runs on {broker.address}; `make kafka-stop` ends it. To use it:")
        print(f"  YINFENG_KAFKA={broker.address} make up")


def _stop_noted(note: Path) -> None:
    if note.exists():
        pid, created = note.read_text().split()
        with suppress(psutil.NoSuchProcess):
            process = psutil.Process(int(pid))
            if abs(process.create_time() - float(created)) < 2:
                end_processes([process], signal.SIGTERM)
                print("Apache Kafka is stopped")
        note.unlink()


if __name__ == "__main__":
    try:
        _main(Path(".cache/kafka").absolute(), sys.argv[1])
    except (ConfigurationError, BrokerUnavailable) as problem:
        sys.exit(str(problem))
