"""The folder of one platform: who holds it, and which web port it may have."""

from __future__ import annotations

import errno
import fcntl
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from schemas.errors import ConfigurationError
from yinfeng.status_file import read_state


@contextmanager
def hold(home: Path) -> Iterator[None]:
    """Hold `home` for this process alone; the system lets go when the process ends, however it ends.

    Raises ConfigurationError when another one holds it, with its process number and address.
    """
    _make_folders(home)
    descriptor = os.open(home / "run" / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise ConfigurationError(_who_holds(home)) from None
    try:
        yield
    finally:
        os.close(descriptor)


def web_port(host: str, port: int) -> int:
    """The port to serve on: `port`, or a free one for 0. Raises ConfigurationError when it can't be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise ConfigurationError(_why_not(host, port, error)) from error
        return int(probe.getsockname()[1])


def _make_folders(home: Path) -> None:
    try:
        home.mkdir(parents=True, exist_ok=True)
        for name in ("run", "logs"):
            (home / name).mkdir(exist_ok=True, mode=0o700)
    except OSError as error:
        raise ConfigurationError(f"YINFENG_HOME {home} can't be used: {error}") from error


def _who_holds(home: Path) -> str:
    state = read_state(home)
    who = f"process {state.pid}, {state.address}" if state else "it is just starting or stopping"
    return f"Yinfeng already runs in {home} ({who}). Stop that one first, or set YINFENG_HOME to another folder"


def _why_not(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"Port {port} on {host} is in use by another program; choose another one with --port"
    return f"The web app can't listen on {host}:{port}: {error.strerror or error}"
