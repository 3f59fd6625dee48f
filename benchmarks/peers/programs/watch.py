"""Notes when the first fact was taken and when the numbers were right. The peers' own: it imports nothing of ours."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

KAFKA = os.environ.get("PEER_KAFKA", "")
TOPIC = os.environ.get("PEER_TOPIC", "")
GROUP = os.environ.get("PEER_GROUP", "")
FOLDER = Path(os.environ.get("PEER_FOLDER", "."))

Numbers = dict[str, int]


class Watch:
    """Call `fact` for each that is new. `numbers` reads what stands; unless given, what `set` was told."""

    def __init__(self, numbers: Callable[[], Numbers] | None = None) -> None:
        self._expected = json.loads(os.environ["PEER_EXPECTED"])
        self._limit = time.time() + float(os.environ["PEER_SECONDS"])
        self._known: Numbers = {}
        self._read = numbers or (lambda: dict(self._known))
        self._facts, self._began = 0, 0.0
        threading.Thread(target=self._run, daemon=True).start()

    def fact(self) -> None:
        """One fact that was not there before."""
        if not self._began:
            self._began = time.time()
        self._facts += 1

    def set(self, target: str, number: int) -> None:
        """What a target's number is now."""
        self._known[target] = number

    def _run(self) -> None:
        numbers: Numbers = {}
        while time.time() < self._limit:
            time.sleep(0.02)
            if self._facts >= self._expected["facts"]:
                numbers = self._read()
                if numbers == self._expected["numbers"]:
                    break
        self._write(numbers or self._read())

    def _write(self, numbers: Numbers) -> None:
        said = {"began": self._began, "ended": time.time(), "facts": self._facts, "numbers": numbers}
        fresh = FOLDER / "result.new"
        fresh.write_text(json.dumps(said))
        fresh.replace(FOLDER / "result.json")
