"""The peers' programs: each Python one in an environment of its own under .cache/peers, the Java one built by Maven."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).parent
PROGRAMS: Final = HERE / "programs"
CACHE: Final = Path(".cache/peers").absolute()
WITHIN: Final = 900.0  # seconds for one step of an installation
_STREAMS: Final = HERE / "kafka_streams"


class CannotInstall(Exception):
    """Why a contestant can't take part."""


def python_of(peer: str) -> Path:
    """The interpreter with this peer's pinned packages, made at the first call and when the pins change.

    Raises CannotInstall.
    """
    pins, folder = pins_of(peer), CACHE / peer
    done = folder / ".pins"
    python = folder / "bin" / "python"
    if not done.exists() or done.read_text() != pins.read_text():
        shutil.rmtree(folder, ignore_errors=True)
        _run([sys.executable, "-m", "venv", str(folder)])
        _run([str(python), "-m", "pip", "install", "-q", "--disable-pip-version-check", "-r", str(pins)])
        done.write_text(pins.read_text())
    return python


def streams_classpath() -> str:
    """The Kafka Streams program with its jars, built when its source is newer. Raises CannotInstall."""
    target, pom = CACHE / "kafka_streams", _STREAMS / "pom.xml"
    sources = [pom, *_STREAMS.rglob("*.java")]
    done = target / ".built"
    if not done.exists() or done.stat().st_mtime < max(path.stat().st_mtime for path in sources):
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(_STREAMS, target)
        goals = ["package", "dependency:copy-dependencies", "-DincludeScope=runtime"]
        _run(["mvn", "-q", "-B", "-f", str(target / "pom.xml"), *goals, f"-DoutputDirectory={target / 'libs'}"])
        done.touch()
    return f"{target / 'target' / 'kafka-streams-peer-1.jar'}:{target / 'libs'}/*"


def pins_of(peer: str) -> Path:
    """The file of a peer's pinned packages."""
    return PROGRAMS / f"{peer}.txt"


def version_of(peer: str, package: str) -> str:
    """What a peer's pins say of a package; empty when they don't name it."""
    for line in pins_of(peer).read_text().splitlines():
        name, _, version = line.partition("==")
        if name == package:
            return version
    return ""


def _run(words: list[str]) -> None:
    try:
        done = subprocess.run(words, check=False, capture_output=True, text=True, timeout=WITHIN)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CannotInstall(f"could not be installed: {error}") from error
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines()
        raise CannotInstall(f"could not be installed: {said[-1] if said else 'no reason given'}")
