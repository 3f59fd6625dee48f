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
from yinfeng.embedded.apache import HEAP, LOG4J, PROPERTIES, command, fetch, format_storage, free_ports, why_not
from yinfeng.kafka_admin import create_topics_first, kafka_admin
from yinfeng.status_file import end_processes

READY_WITHIN: Final = 60.0

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
    java: tuple[str, ...] = HEAP

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
        self.process = _launch(self.folder, self.libs, self.java)
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


def start(
    cache: Path, name: str = "broker", guarded: Guarded | None = None, more: str = "", java: tuple[str, ...] = HEAP
) -> ApacheKafka:
    """Fetch Kafka into `cache` if it is not there, and run a broker with fresh data in `cache/name`; `more`: lines of
    its properties; `java`: options of its machine.

    Raises ConfigurationError when Java or Maven is missing, BrokerUnavailable when it does not come up.
    """
    if reason := why_not():
        raise ConfigurationError(reason)
    libs = fetch(cache)
    folder = cache / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    port, controller, secured = free_ports(3, folder)
    data = folder / "data"
    properties = PROPERTIES.format(port=port, controller=controller, data=data)
    if guarded:
        properties += _SECURED.format(port=port, controller=controller, secured=secured, keystore=guarded.keystore)
    properties += more
    (folder / "server.properties").write_text(properties)
    (folder / "log4j2.properties").write_text(LOG4J)
    users = (f"SCRAM-SHA-512=[name={guarded.username},password={guarded.password}]",) if guarded else ()
    format_storage(folder, libs, folder / "server.properties", users)
    broker = ApacheKafka(folder, libs, port, _launch(folder, libs, java), secured, java)
    _wait_until_ready(broker)
    return broker


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
    create_topics_first(address)


def _launch(folder: Path, libs: Path, java: tuple[str, ...]) -> subprocess.Popen[bytes]:
    with (folder / "kafka.log").open("ab") as log:
        return subprocess.Popen(
            command(folder, libs, "kafka.Kafka", str(folder / "server.properties"), options=java),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


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
