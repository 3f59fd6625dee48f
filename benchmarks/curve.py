"""A curve as an SVG picture, readable on a light and on a dark page. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Final

WIDTH: Final = 860
HEIGHT: Final = 360
LEFT: Final = 70
RIGHT: Final = 30
TOP: Final = 60
BOTTOM: Final = 46
_HEAD: Final = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" aria-labelledby="title"
     font-family="system-ui, sans-serif" font-size="13">
<title id="title">{title}</title>
<rect width="{width}" height="{height}" fill="#ffffff"/>
<text x="16" y="30" font-size="16" font-weight="600" fill="#1a1a1a">{title}</text>
"""


def curve(title: str, points: Sequence[tuple[float, float]], *, limit: float, along: str) -> str:
    """The points (x, y) as a line from x = 0 on, with a dashed one at y = `limit`. `along`: what x is."""
    most = max(x for x, _ in points)
    top = 1.1 * max(limit, *(y for _, y in points))
    places = " ".join(f"{_x(x, most)},{_y(y, top)}" for x, y in points)
    line = f'<polyline points="{places}" fill="none" stroke="#b3361b" stroke-width="2"/>\n'
    return (
        _HEAD.format(width=WIDTH, height=HEIGHT, title=escape(title))
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
