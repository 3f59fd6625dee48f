"""A curve as an SVG picture. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Final

from benchmarks.picture import WIDTH, head

HEIGHT: Final = 360
LEFT: Final = 70
RIGHT: Final = 30
TOP: Final = 60
BOTTOM: Final = 46


def curve(title: str, points: Sequence[tuple[float, float]], *, limit: float, along: str) -> str:
    """The points (x, y) as a line from x = 0 on, with a dashed one at y = `limit`. `along`: what x is."""
    most = max(x for x, _ in points)
    top = 1.1 * max(limit, *(y for _, y in points))
    places = " ".join(f"{_x(x, most)},{_y(y, top)}" for x, y in points)
    line = f'<polyline points="{places}" fill="none" stroke="#b3361b" stroke-width="2"/>\n'
    return (
        head(title, height=HEIGHT, size=13)
        + _level(0, top, "0")
        + _level(limit, top, f"{limit:g}", ' stroke-dasharray="6 4"')
        + line
        + f'<text x="{_x(most, most)}" y="{HEIGHT - 16}" text-anchor="end">{most:,.0f} {escape(along)}</text>\n</svg>\n'
    )


def _level(y: float, top: float, label: str, dashes: str = "") -> str:
    at = _y(y, top)
    return (
        f'<path d="M{LEFT} {at}H{WIDTH - RIGHT}" stroke="#5b7186"{dashes}/>\n'
        f'<text x="{LEFT - 8}" y="{at + 4}" text-anchor="end" fill="#1a1a1a">{label}</text>\n'
    )


def _x(x: float, most: float) -> float:
    return round(LEFT + (WIDTH - LEFT - RIGHT) * x / most, 1)


def _y(y: float, top: float) -> float:
    return round(HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * y / top, 1)
