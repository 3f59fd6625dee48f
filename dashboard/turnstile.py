"""How many times one caller may be inside at once, in one web process."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from schemas.errors import TooMany


class Turnstile:
    """Counts who is inside. `most`: how many times one caller may be; `said`: what whoever comes once more
    is told, with `{most}` in it."""

    def __init__(self, most: int, said: str) -> None:
        self._most, self._said = most, said.format(most=most)
        self._inside: Counter[str] = Counter()

    @contextmanager
    def inside(self, who: str) -> Iterator[None]:
        """The caller is inside until the block ends. Raises TooMany."""
        if self._inside[who] >= self._most:
            raise TooMany(self._said)
        self._inside[who] += 1
        try:
            yield
        finally:
            self._inside[who] -= 1
            if self._inside[who] <= 0:
                del self._inside[who]
