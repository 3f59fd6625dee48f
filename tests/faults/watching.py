"""What a platform shows and logs while a fault is tried: the number as a page would have it, and faults of our own."""

from __future__ import annotations

import json
import re
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

import httpx

from tests.facts import CAMPAIGN

AGAIN: Final = 0.5  # seconds until a listener that was cut off comes back
READ_WITHIN: Final = 1.5  # seconds after which it comes back too: so it ends soon when it is told to
SHOWN_WITHIN: Final = 5.0  # seconds after all is applied
_OURS: Final = re.compile(r'File "[^"]*/(schemas|storage|producers|streams|notifications|dashboard|yinfeng)/[^"]*\.py"')
_OTHERS: Final = "site-packages"


class Listener:
    """Listens to one target, and comes back when it is cut off; `last` is the number that it was told last."""

    def __init__(self, url: str, key: str, target: str) -> None:
        self._url, self._key, self._target = url, key, target
        self.last: float | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Listener:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(2 * READ_WITHIN)

    def shows(self, number: float) -> bool:
        """Whether it is told this number soon."""
        deadline = time.monotonic() + SHOWN_WITHIN
        while self.last != number and time.monotonic() < deadline:
            time.sleep(0.05)
        return self.last == number

    def _run(self) -> None:
        with httpx.Client(verify=False, timeout=httpx.Timeout(5, read=READ_WITHIN)) as http:
            while not self._stop.is_set():
                with suppress(httpx.HTTPError):
                    self._listen(http)
                self._stop.wait(AGAIN)

    def _listen(self, http: httpx.Client) -> None:
        headers = {"Authorization": f"Bearer {self._key}"}
        asked = {"campaign": CAMPAIGN}
        with http.stream("GET", f"{self._url}/v1/targets/stream", headers=headers, params=asked) as answer:
            for line in answer.iter_lines():
                if self._stop.is_set():
                    return
                if line.startswith("data:") and (told := json.loads(line[5:])).get("target") == self._target:
                    self.last = told["progress"]


def sizes(logs: Path) -> dict[str, int]:
    """How long each log is now."""
    return {path.name: path.stat().st_size for path in logs.glob("*.log")}


def tracebacks(logs: Path, since: dict[str, int]) -> list[str]:
    """The last line of each traceback through code of ours that came since; a library's own about its line are none."""
    found = []
    for path in logs.glob("*.log"):
        text = path.read_bytes()[since.get(path.name, 0) :].decode(errors="replace")
        for block in text.split("Traceback (most recent call last):")[1:]:
            lines = block.splitlines()
            end = next((n for n, line in enumerate(lines[1:], 1) if line and not line.startswith(" ")), len(lines) - 1)
            if any(_OURS.search(line) and _OTHERS not in line for line in lines[:end]):
                found.append(f"{path.name}: {lines[end][:200]}")
    return found
