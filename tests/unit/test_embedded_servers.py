"""Where the embedded servers live, and when a dead child is started again."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import psycopg
import pytest

from schemas.errors import ConfigurationError, Unavailable
from yinfeng import children
from yinfeng.children import Child, ChildSpec, running
from yinfeng.embedded.broker import EmbeddedBroker
from yinfeng.embedded.postgres import SOCKET_PATH_LIMIT, EmbeddedPostgres
from yinfeng.home import hold, web_port
from yinfeng.supervisor import next_delay


@pytest.mark.parametrize(
    ("delay", "alive", "expected"),
    [
        (0, 0, 0.5),
        (0.5, 1, 1),
        (8, 59, 16),
        (16, 1, 30),
        (30, 1, 30),
        (30, 60, 0.5),
    ],
)
def test_the_wait_before_a_restart_doubles_and_is_forgiven_after_a_minute(delay, alive, expected):
    assert next_delay(delay, alive) == expected


def test_a_home_too_deep_for_a_socket_gets_a_private_folder_elsewhere(tmp_path: Path):
    home = tmp_path / ("深" * 30)
    home.mkdir()
    server = EmbeddedPostgres(home, lambda text: None)
    assert len(os.fsencode(server.sockets / ".s.PGSQL.5432")) <= SOCKET_PATH_LIMIT
    with running(server.spec(), home / "logs"):
        assert server.sockets.stat().st_mode & 0o777 == 0o700
        with psycopg.connect(server.url) as connection:
            assert connection.execute("SHOW server_encoding").fetchone() == ("UTF8",)
    assert not server.sockets.exists()


def test_a_socket_folder_that_others_can_read_is_refused(tmp_path: Path):
    home = tmp_path / ("x" * 100)
    home.mkdir()
    server = EmbeddedPostgres(home, lambda text: None)
    server.sockets.mkdir(mode=0o755)
    try:
        with pytest.raises(ConfigurationError, match="private folder"):
            server.prepare()
    finally:
        server.sockets.rmdir()


def test_the_broker_keeps_its_port_and_takes_another_when_it_is_taken(tmp_path: Path):
    port = EmbeddedBroker(tmp_path).port
    assert EmbeddedBroker(tmp_path).port == port
    with socket.create_server(("127.0.0.1", port)):
        assert EmbeddedBroker(tmp_path).port != port


def test_a_home_is_held_by_one_only(tmp_path: Path):
    with hold(tmp_path), pytest.raises(ConfigurationError, match="already runs"), hold(tmp_path):
        pass
    with hold(tmp_path):
        pass


def test_an_address_that_is_not_ours_is_named():
    with pytest.raises(ConfigurationError, match=r"203\.0\.113\.1:8000"):
        web_port("203.0.113.1", 8000)


def spec(script: str) -> ChildSpec:
    return ChildSpec(name="part", command=("/bin/sh", "-c", script), env={}, is_ready=lambda: False)


def test_a_child_that_dies_at_once_is_reported_with_its_log(tmp_path: Path):
    with (
        pytest.raises(Unavailable, match="no such file"),
        running(spec("echo no such file; exit 1"), tmp_path),
    ):
        pass


def test_a_command_that_does_not_exist_is_a_wrong_configuration(tmp_path: Path):
    missing = ChildSpec(name="part", command=("/nowhere/part",), env={}, is_ready=lambda: False)
    with pytest.raises(ConfigurationError, match="part can't be started"):
        Child(missing, tmp_path).start()


def test_a_log_over_the_limit_is_kept_once_beside_the_new_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(children, "LOG_LIMIT", 10)
    log = tmp_path / "part.log"
    log.write_text("x" * 11)
    child = Child(spec("echo new"), tmp_path)
    child.start()
    assert child.process
    child.process.wait()
    assert log.read_text() == "new\n"
    assert (tmp_path / "part.log.1").read_text() == "x" * 11
