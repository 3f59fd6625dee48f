"""`yinfeng up`: a home is taken, what an earlier run left is ended, and all parts run until they are told to stop."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from schemas.errors import ConfigurationError, YinfengError
from schemas.settings import Settings
from yinfeng.apps import python_apps
from yinfeng.child_spec import ChildSpec
from yinfeng.embedded.broker import EmbeddedBroker
from yinfeng.embedded.own_servers import MakeBroker
from yinfeng.home import hold, web_port
from yinfeng.log_files import rotate
from yinfeng.status_file import end_leftovers
from yinfeng.supervisor import Supervisor

SPACE = 200 * 1024 * 1024  # bytes that must be free to begin


def run_platform(
    settings: Settings,
    out: Console,
    *,
    prepare: Callable[[Settings], None],
    apps: Callable[[Settings], list[ChildSpec]] = python_apps,
    on_ready: Callable[[Settings], None] = lambda settings: None,
    broker: MakeBroker = EmbeddedBroker,
) -> int:
    """Run the whole platform until it is told to stop; returns the exit code (1: it could not start).

    `apps` gives the processes that run on the two servers, `prepare` makes topics and tables once the servers
    answer, `on_ready` is told when all is up, `broker` is the one to run where the settings name none. The settings
    that they get name both servers and the port.
    """
    settings = settings.model_copy(update={"home": settings.home.absolute()})
    try:
        with hold(settings.home):
            require_space(settings.home)
            say = _Voice(out, settings.home / "logs" / "supervisor.log")
            end_leftovers(settings.home, say)
            settings = settings.model_copy(update={"port": web_port(settings.host, settings.port)})
            parts = Supervisor(settings, say, apps=apps, prepare=prepare, on_ready=on_ready, broker=broker)
            return parts.run()
    except YinfengError as error:
        out.print(f"Not started: {error}", style="red", markup=False, highlight=False)
        return 1


def require_space(home: Path) -> None:
    """Raises ConfigurationError when so little is free that the database would soon stop."""
    free = shutil.disk_usage(home).free
    if free < SPACE:
        raise ConfigurationError(
            f"only {free >> 20} MB are free where {home} lies, and Yinfeng wants {SPACE >> 20} MB to begin: make room,"
            " or set YINFENG_HOME to another disk"
        )


class _Voice:
    """Says things on the console and, with the time, in the log. Where neither can be written, nobody is told: to say
    something is never worth more than what it is about."""

    def __init__(self, out: Console, log: Path) -> None:
        self._out = out
        self._log = log

    def __call__(self, text: str) -> None:
        with suppress(OSError):
            self._out.print(text, markup=False, highlight=False, soft_wrap=True)
        with suppress(OSError):
            rotate(self._log)
        with suppress(OSError), self._log.open("a", encoding="utf-8") as log:
            log.write(f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ} {text}\n")
