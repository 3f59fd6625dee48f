"""When, where and with what a measurement was made."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from datetime import UTC, datetime

import psutil

from yinfeng.embedded.apache import POM
from yinfeng.embedded.postgres import binaries


def moment() -> str:
    """Now, to the minute."""
    return f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"


def told(begun: str, facts: int, rounds: int, others: float) -> dict[str, str]:
    """What the figures depend on. `others`: what part of the machine other programs had meanwhile."""
    return {
        "Measured": f"{begun}, {facts:,} facts, {rounds} rounds, commit {commit()}",
        "Machine": machine(),
        "Versions": versions(),
        "Everything but contestant and broker had": f"{others:.0%} of the processors while they ran",
    }


def commit() -> str:
    """Of this checkout."""
    return _said("git", "rev-parse", "--short", "HEAD")


def machine() -> str:
    """Cores and memory, and what system."""
    memory = psutil.virtual_memory().total / 2**30
    return f"{os.cpu_count()} cores, {memory:.0f} GiB, {platform.system()} {platform.machine()}, {_processor()}"


def versions() -> str:
    """Of what all contestants share."""
    java = _said("java", "-version").splitlines()[0].split('"')[1] if shutil.which("java") else "none"
    postgres = _said(str(binaries() / "postgres"), "--version").split()[-1]
    return f"Apache Kafka {kafka()}, PostgreSQL {postgres}, Python {platform.python_version()}, Java {java}"


def kafka() -> str:
    """The version that is fetched."""
    return POM.read_text().partition("<kafka.version>")[2].partition("<")[0]


def _processor() -> str:
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        for line in file:
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or "processor unknown"


def _said(*words: str) -> str:
    done = subprocess.run(words, check=False, capture_output=True, text=True)
    return (done.stdout + done.stderr).strip() or "unknown"
