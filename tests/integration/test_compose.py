"""docker-compose.yml without Docker: each of its services as a process, with its own command, environment, order and
health check, against Apache Kafka and PostgreSQL in place of the two images."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
import yaml

from tests.facts import hired, opened, target
from tests.kafka.apache_kafka import empty_topics
from tests.platform import free_port, until

ROOT = Path(__file__).parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
SERVICES: dict[str, Any] = COMPOSE["services"]
IMAGE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
OURS = ("init", "web", "worker", "relay")


def environment(service: str, servers: dict[str, str], folder: Path) -> dict[str, str]:
    """What the service is given, with the hosts of the inner network, and its own /tmp, in their places here."""
    given = {name: str(value) for name, value in SERVICES[service]["environment"].items() if value is not None}
    filled = {name: re.sub(r"\$\{\w+:-(.*?)\}", r"\1", value) for name, value in given.items()}
    assert "postgres:5432" in filled["YINFENG_DATABASE_URL"]
    assert filled["YINFENG_KAFKA"] == "kafka:9092"
    placed = {name: value.replace("/tmp/", f"{folder}/") for name, value in filled.items()}
    return {**os.environ, **placed, **servers, "YINFENG_HOME": str(folder.parent / "home")}


def command(service: str) -> list[str]:
    """Its command, or the image's."""
    words = SERVICES[service].get("command") or re.findall(r'"([^"]+)"', IMAGE.split("\nCMD", 1)[1])
    assert words[0] == "yinfeng"
    return [sys.executable, "-m", *words]


@contextmanager
def running(service: str, servers: dict[str, str], folder: Path) -> Iterator[dict[str, str]]:
    folder.mkdir(parents=True)
    env = environment(service, servers, folder)
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command(service), env=env, stdout=log, stderr=subprocess.STDOUT, cwd=folder)
    try:
        yield env
        assert process.poll() is None, (folder / "log").read_text()
    finally:
        process.terminate()
        process.wait(20)


def is_healthy(service: str, env: dict[str, str]) -> bool:
    kind, *words = SERVICES[service]["healthcheck"]["test"]
    assert kind == "CMD"
    assert words[0] == "yinfeng"
    done = subprocess.run([sys.executable, "-m", *words], env=env, capture_output=True, check=False, timeout=30)
    return done.returncode == 0


def test_each_service_of_ours_waits_for_what_it_needs():
    for service in ("web", "worker", "relay"):
        assert {name: each["condition"] for name, each in SERVICES[service]["depends_on"].items()} == {
            "init": "service_completed_successfully",
            "postgres": "service_healthy",
            "kafka": "service_healthy",
        }
    assert set(SERVICES["init"]["depends_on"]) == {"postgres", "kafka"}
    assert set(SERVICES) == {*OURS, "postgres", "kafka"}


@pytest.mark.slow
def test_the_services_together_apply_facts_and_are_healthy(tmp_path: Path, database_url: str, apache_kafka: str):
    """With two workers and two relays, as `--scale worker=2 --scale relay=2` has them."""
    empty_topics(apache_kafka)
    port = free_port()
    servers = {"YINFENG_DATABASE_URL": database_url, "YINFENG_KAFKA": apache_kafka, "YINFENG_PORT": str(port)}
    (tmp_path / "init").mkdir()
    init = subprocess.run(
        command("init"),
        env=environment("init", servers, tmp_path / "init"),
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert init.returncode == 0, init.stderr
    with ExitStack() as stack:
        parts = [(service, number) for service in ("web", "worker", "relay") for number in (1, 2)]
        envs = [
            (service, stack.enter_context(running(service, servers, tmp_path / f"{service}{number}")))
            for service, number in parts
            if (service, number) != ("web", 2)
        ]
        for service, env in envs:
            until(lambda s=service, e=env: is_healthy(s, e))
        key = (tmp_path / "home" / "organizer.key").read_text().strip()
        for event in (opened(), target("t"), hired("c1")):
            answer = httpx.post(
                f"http://127.0.0.1:{port}/v1/events",
                json=event,
                headers={
                    "Authorization": f"Bearer {key}",
                    "Content-Type": "application/cloudevents+json",
                    "Prefer": "wait=20",
                },
                timeout=30,
            )
            assert (answer.status_code, answer.headers.get("Preference-Applied")) == (202, "wait=20")
    with psycopg.connect(database_url) as connection:
        assert connection.execute("SELECT progress FROM targets").fetchone() == (1,)


def test_a_part_that_has_no_pulse_is_not_healthy(tmp_path: Path):
    env = {**os.environ, "YINFENG_HOME": str(tmp_path), "YINFENG_PULSE_FILE": str(tmp_path / "pulse")}
    assert not is_healthy("worker", env)
