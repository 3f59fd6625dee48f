"""Yinfeng's own processes as children of `yinfeng up`: relay, worker, web."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

import httpx

from schemas.settings import Settings
from yinfeng.children import ChildSpec
from yinfeng.pulse import standstill


def python_apps(settings: Settings) -> list[ChildSpec]:
    """The three processes, in the order in which they start; `settings` name both servers."""
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
        stands_still=lambda pid: standstill(pulse, pid),
    )


def _web(settings: Settings, env: Mapping[str, str]) -> ChildSpec:
    # An address that means "all of them" to a server is no address to call.
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)  # noqa: S104
    url = f"http://{f'[{host}]' if ':' in host else host}:{settings.port}/readyz"

    def is_ready() -> bool:
        try:
            # The address is our own: no proxy of the environment may come between.
            return httpx.get(url, timeout=2, trust_env=False).status_code == httpx.codes.OK
        except httpx.HTTPError:
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
        stands_still=lambda pid: standstill(pulse, pid),
    )
