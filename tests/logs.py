"""No log of the run says who somebody is: whatever tests say of persons is remembered, and looked for in all logs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

TELLING: Final = ("name", "email", "phone")
EXAMPLE: Final = "李雷"  # whom `yinfeng up` signs up in the command that it shows
_CONSOLE: Final = re.compile(r".+-\d{10,}\.txt")
_ESCAPED: Final = re.compile(r"\\u([0-9a-f]{4})")
_ADDRESS: Final = re.compile(r"(?<![\w.+-])[\w.+-]+@[\w.-]+\w")  # begun once a word: a line may be a million long
_NUMBER: Final = re.compile(r"(?<!\w)\+?\d{11,15}(?!\w)")
_NAME: Final = re.compile(r"\bName [\w-]+")
_CHINESE: Final = re.compile(r"[\u4e00-\u9fff]{2,}")
_said: Final[set[str]] = set()


def remember(data: Mapping[str, Any]) -> None:
    """Whoever a test speaks of."""
    _said.update(
        value for name in TELLING if isinstance(value := data.get(name), str) and len(value) > 1 and value != EXAMPLE
    )


def telling(folder: Path) -> list[str]:
    """The lines of all logs under this folder that say who somebody is, each after its file."""
    names = [value for value in _said if _CHINESE.fullmatch(value)]
    return [
        f"{path}: {line}"
        for path in _logs(folder)
        for line in path.read_text(errors="replace").splitlines()
        if _tells(_ESCAPED.sub(lambda found: chr(int(found[1], 16)), line), names)
    ]


def _logs(folder: Path) -> Iterator[Path]:
    for path in folder.rglob("*"):
        is_log = path.parent.name == "logs" or path.name == "log.txt" or _CONSOLE.fullmatch(path.name)
        if is_log and path.is_file():
            yield path


def _tells(line: str, names: list[str]) -> bool:
    found = {each for form in (_ADDRESS, _NUMBER, _NAME) for each in form.findall(line)}
    return not found.isdisjoint(_said) or any(name in run for run in _CHINESE.findall(line) for name in names)
