"""Yinfeng's own processes as children of `yinfeng up`: relay, worker, web."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from contextlib import closing
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from importlib import import_module
from pathlib import Path
from typing import Final

from schemas.settings import Settings, load_settings
from yinfeng.child_spec import ChildSpec
from yinfeng.forking import Gate, Part, can_fork
from yinfeng.loading import loading
from yinfeng.pulse import standstill
from yinfeng.surroundings import checked


def python_apps(settings: Settings) -> list[ChildSpec]:
    """The three processes, in the order in which they start; `settings` name both servers. Where they go on from this
    process, what several of them need is imported here."""
    if can_fork():
        with loading():
            for module in SHARED:
                import_module(module)
    env = _environment(settings)
    return [
        _with_ready_file("relay", settings.home, env),
        _with_ready_file("worker", settings.home, env),
        _web(settings, env),
    ]


def _environment(settings: Settings) -> dict[str, str]:
    return {
        **os.environ,
        "PYTHONUNBUFFERED": "1",
        "YINFENG_HOME": str(settings.home),
        "YINFENG_HOST": settings.host,
        "YINFENG_PORT": str(settings.port),
        "YINFENG_DATABASE_URL": settings.database_url or "",
        "YINFENG_KAFKA": settings.kafka or "",
        "YINFENG_GROUP_SESSION_TIMEOUT": str(settings.group_session_timeout),
        "YINFENG_PULSE_FILE": "",
    }


def _command(name: str) -> tuple[str, ...]:
    return (sys.executable, "-m", "yinfeng", name)


def _part(name: str) -> Part:
    """What the command of this name does, with the settings that its environment has by then."""

    def run(begin: Gate) -> int:
        settings = load_settings()

        def begin_checked() -> None:
            begin()
            checked(settings)

        module, function = RUNS[name]
        with loading():
            run = getattr(import_module(module), function)
        return int(run(settings, begin_checked))

    return run


def _with_ready_file(name: str, home: Path, env: Mapping[str, str]) -> ChildSpec:
    ready, pulse = home / "run" / f"{name}.ready", home / "run" / f"{name}.pulse"

    def forget() -> None:
        ready.unlink(missing_ok=True)
        pulse.unlink(missing_ok=True)

    return ChildSpec(
        name=name,
        command=_command(name),
        env={**env, "YINFENG_READY_FILE": str(ready)},
        before_start=forget,
        after_stop=forget,
        is_ready=ready.exists,
        part=_part(name),
        stands_still=lambda pid: standstill(pulse, pid),
    )


def _web(settings: Settings, env: Mapping[str, str]) -> ChildSpec:
    # An address that means "all of them" to a server is no address to call.
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)  # noqa: S104

    def is_ready() -> bool:
        with closing(HTTPConnection(host, settings.port, timeout=2)) as line:
            try:
                line.request("GET", "/readyz")
                return line.getresponse().status == HTTPStatus.OK
            except (OSError, HTTPException):
                return False

    pulse = settings.home / "run" / "web.pulse"

    def forget() -> None:
        pulse.unlink(missing_ok=True)

    return ChildSpec(
        name="web",
        command=_command("web"),
        env=env,
        before_start=forget,
        after_stop=forget,
        is_ready=is_ready,
        part=_part("web"),
        stands_still=lambda pid: standstill(pulse, pid),
    )


SHARED: Final = (
    "producers.relay",
    "notifications.channels.mime",
    "yinfeng.sender",
    "notifications.authoring.studio",
)
RUNS: Final = {
    "relay": ("yinfeng.relay", "run_relay"),
    "worker": ("yinfeng.worker", "run_worker"),
    "web": ("yinfeng.web.serving", "run_web"),
}
