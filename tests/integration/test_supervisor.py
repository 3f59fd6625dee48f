"""`yinfeng up` with real processes: it starts, keeps, stops, and leaves nothing behind."""

from __future__ import annotations

import resource
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import psycopg
import pytest
from kafka.admin import KafkaAdminClient

from schemas.errors import ConfigurationError
from tests.platform import Platform, free_port, gone, until
from yinfeng.embedded.broker import SHAPE
from yinfeng.embedded.postgres import end_servers_of
from yinfeng.log_files import LOG_LIMIT
from yinfeng.platform import require_space
from yinfeng.status_file import read_state, state_path, with_memory

Up = Callable[..., Platform]


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Up]:
    """Starts platforms on one home, and clears up whatever a failed test leaves."""
    started: list[Platform] = []
    families: list[psutil.Process] = []

    def start(*words: str, port: int = 0, ready: bool = True) -> Platform:
        home, port = tmp_path / "home", port or free_port()
        platform = Platform(home, port, ["tests.integration.platform_driver", str(home), str(port), *words])
        started.append(platform)
        if ready:
            platform.until_said("Ready in")
            families.extend(platform.family())
        return platform

    yield start
    for platform in started:
        with suppress(psutil.NoSuchProcess):
            families.extend(platform.family())
        platform.process.kill()
        platform.process.wait()
    for process in families:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    end_servers_of(tmp_path / "home" / "postgres", lambda text: None)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_all_and_leaves_nothing_behind(up: Up, number: signal.Signals):
    platform = up("relay", "worker")
    family = platform.family()
    assert len(family) == 4  # each child has one of its own
    platform.process.send_signal(number)
    assert platform.process.wait(60) == 0
    assert gone(family)
    assert [path.name for path in (platform.home / "run").iterdir()] == ["lock"]
    assert read_state(platform.home) is None


def test_the_state_tells_address_children_and_memory(up: Up):
    platform = up("relay", "worker")
    state = platform.state()
    assert state.pid == platform.process.pid
    assert state.address == f"http://127.0.0.1:{platform.port}"
    assert state.start_seconds is not None
    assert [(c.name, c.state, c.restarts, c.last_exit) for c in state.children] == [
        ("relay", "ready", 0, None),
        ("worker", "ready", 0, None),
    ]
    state = with_memory(state)
    assert all(child.memory > 0 for child in state.children)
    assert state.total_memory == state.memory + sum(child.memory for child in state.children)
    assert state_path(platform.home).stat().st_mode & 0o777 == 0o600


def test_a_killed_child_is_started_again_and_said_so(up: Up):
    platform = up("relay", "worker")
    before = platform.child("worker")
    other = platform.child("relay")
    platform.kill_child("worker")
    platform.until_back("worker")
    after = platform.child("worker")
    assert (after.pid != before.pid, after.restarts, after.last_exit) == (True, 1, "ended by SIGKILL")
    assert platform.child("relay").pid == other.pid
    platform.until_said("worker is ready again")
    log = (platform.home / "logs" / "supervisor.log").read_text()
    assert "worker ended by SIGKILL" in log
    assert "starting it again in 0.5 s" in log


def test_a_second_up_on_the_same_home_is_refused_with_the_reason(up: Up):
    first = up("worker")
    second = up("worker", ready=False)
    assert second.process.wait(60) == 1
    assert f"process {first.process.pid}, http://127.0.0.1:{first.port}" in second.said()
    assert first.child("worker").state == "ready"


def test_a_port_in_use_is_said_before_anything_starts(up: Up):
    with socket.create_server(("127.0.0.1", 0)) as other:
        platform = up("worker", port=other.getsockname()[1], ready=False)
        assert platform.process.wait(60) == 1
    assert f"Port {platform.port} on 127.0.0.1 is in use" in platform.said()
    assert not (platform.home / "logs" / "worker.log").exists()


def test_children_of_a_killed_supervisor_are_ended_by_the_next(up: Up):
    first = up("relay", "worker")
    leftover = [psutil.Process(child.pid) for child in first.state().children if child.pid]
    first.process.kill()
    first.process.wait()
    assert len(leftover) == 2
    assert not gone(leftover)
    second = up("relay", "worker")
    assert gone(leftover)
    assert "Ending worker" in second.said()
    assert second.child("worker").state == "ready"


def test_a_start_that_fails_prints_the_end_of_the_log_and_stops_the_rest(up: Up):
    platform = up("relay", "worker:broken", ready=False)
    assert platform.process.wait(60) == 1
    said = platform.said()
    assert "worker ended with exit code 3" in said
    assert "table facts is missing" in said
    assert read_state(platform.home) is None
    assert not (platform.home / "run" / "relay.ready").exists()


def test_ctrl_c_while_starting_stops_what_was_started(up: Up):
    platform = up("relay", "worker:slow", ready=False)
    until((platform.home / "run" / "relay.ready").exists)
    family = platform.family()
    platform.process.send_signal(signal.SIGINT)
    assert platform.process.wait(60) == 0
    assert "Ready in" not in platform.said()
    assert gone(family)


def test_a_second_ctrl_c_hurries(up: Up):
    # Asked once, this child never ends: only hurrying does it.
    platform = up("worker:stubborn")
    family = platform.family()
    platform.process.send_signal(signal.SIGINT)
    platform.until_said("Stopping")
    platform.process.send_signal(signal.SIGINT)
    assert platform.process.wait(60) == 0
    assert gone(family)


def topics_of(address: str) -> dict[str, int]:
    admin = KafkaAdminClient(bootstrap_servers=address)
    try:
        return {topic["name"]: len(topic["partitions"]) for topic in admin.describe_topics()}
    finally:
        admin.close()


def test_the_embedded_servers_come_back_after_sigkill_with_data_and_topics(up: Up, monkeypatch):
    platform = up("embedded")
    state = platform.state()
    assert state.database_url
    assert state.kafka
    with psycopg.connect(state.database_url) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 1 AS n")
    platform.kill_child("postgres")
    platform.kill_child("broker")
    platform.until_back("postgres")
    platform.until_back("broker")
    assert {name: count for name, (count, _) in SHAPE.items()} == topics_of(state.kafka)
    with psycopg.connect(state.database_url) as connection:
        assert connection.execute("SELECT n FROM kept").fetchall() == [(1,)]


def test_a_broker_that_holds_too_much_is_replaced_once_all_is_applied(up: Up):
    platform = up("embedded", "small-broker")
    platform.until_said("broker is ready again")
    assert "broker holds" in platform.said()
    assert "a fresh one takes its place" in platform.said()
    assert platform.child("broker").restarts == 0, "it did not end of itself"
    kafka = platform.state().kafka
    platform.process.send_signal(signal.SIGTERM)
    assert platform.process.wait(60) == 0
    assert kafka


def test_servers_left_over_by_a_killed_supervisor_are_ended_even_without_its_notes(up: Up):
    first = up("embedded")
    servers = first.family()
    postgres = [p for p in servers if p.name() == "postgres"]
    kafka = first.state().kafka
    first.process.kill()
    first.process.wait()
    # Without the state file, PostgreSQL is still found by its data directory.
    note = state_path(first.home)
    kept = note.read_bytes()
    note.unlink()
    end_servers_of(first.home / "postgres", lambda text: None)
    assert gone(postgres)
    note.write_bytes(kept)
    second = up("embedded")
    assert gone(servers)
    assert second.state().kafka == kafka
    with psycopg.connect(second.state().database_url or "") as connection:
        assert connection.execute("SHOW synchronous_commit").fetchone() == ("on",)


def test_a_part_that_was_stopped_by_a_signal_is_started_again(up: Up):
    platform = up("relay", "worker")
    pid = platform.child("worker").pid
    assert pid is not None
    psutil.Process(pid).suspend()
    platform.until_back("worker")
    assert "was stopped by a signal" in platform.said()
    assert not psutil.pid_exists(pid)


def words(process: psutil.Process) -> str:
    with suppress(psutil.Error):
        return " ".join(process.cmdline())
    return ""


def test_a_full_disk_stops_no_supervisor_and_leaves_no_orphan(up: Up):
    platform = up("relay", "worker")
    resource.prlimit(platform.process.pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
    pid = platform.child("worker").pid
    platform.kill_child("worker")
    until(lambda: any(p.pid != pid and "worker" in words(p) for p in platform.family()))
    assert platform.process.poll() is None
    family = platform.family()
    platform.process.send_signal(signal.SIGTERM)
    assert platform.process.wait(60) == 0
    assert gone(family)


def test_logs_stay_within_bounds_while_their_processes_write(up: Up):
    platform = up("relay:talking")
    log = platform.home / "logs" / "relay.log"
    until(lambda: log.with_suffix(".log.1").exists())
    until(lambda: log.stat().st_size > 0)
    assert log.stat().st_size < 2 * LOG_LIMIT
    assert set(log.read_text()) == {"x", "\n"}


def test_a_platform_does_not_begin_on_a_disk_that_is_almost_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("yinfeng.platform.SPACE", 2**62)
    with pytest.raises(ConfigurationError, match="MB are free where"):
        require_space(tmp_path)
