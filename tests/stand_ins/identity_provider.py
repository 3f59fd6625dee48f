"""An OpenID Connect provider in a process of its own."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx

from tests.platform import free_port

PATIENCE = 30.0


@dataclass(frozen=True, slots=True)
class IdentityProvider:
    issuer: str

    def knows(self, sub: str, **claims: Any) -> None:
        """From now on there is this person."""
        httpx.put(f"{self.issuer}/users/{sub}", json=claims).raise_for_status()

    def shown(self, address: str, sub: str) -> dict[str, str]:
        """What the browser is sent back with, once this person has shown who they are."""
        answer = httpx.post(address, data={"sub": sub})
        assert answer.status_code == 302, answer.text
        return {name: value for name, (value,) in parse_qs(urlsplit(answer.headers["location"]).query).items()}


@contextmanager
def identity_provider() -> Iterator[IdentityProvider]:
    """Until the block ends."""
    port = free_port()
    command = [sys.executable, "-W", "ignore", "-m", "oidc_provider_mock", "--port", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    made = IdentityProvider(f"http://127.0.0.1:{port}")
    try:
        _wait_for(made)
        yield made
    finally:
        process.kill()
        process.wait()


def _wait_for(made: IdentityProvider) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        try:
            httpx.get(f"{made.issuer}/.well-known/openid-configuration").raise_for_status()
        except httpx.HTTPError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError("the identity provider did not start")
