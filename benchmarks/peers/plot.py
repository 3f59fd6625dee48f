"""Bars as an SVG picture. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

from benchmarks.picture import WIDTH, head

LEFT: Final = 300  # where the bars begin
RIGHT: Final = 150  # kept free for figures
STEP: Final = 40
BAR: Final = 24
TOP: Final = 56


@dataclass(frozen=True, slots=True)
class Bar:
    """`low` and `high` are drawn as a thin line over the bar; `ours` is set off by its colour. Without a value the
    `note` stands in the bar's place."""

    label: str
    value: float | None
    low: float = 0.0
    high: float = 0.0
    note: str = ""
    ours: bool = False


def bars(title: str, rows: Sequence[Bar], unit: str) -> str:
    """The picture, the rows in the order given."""
    height = TOP + STEP * len(rows) + 12
    top = max((max(row.value or 0.0, row.high) for row in rows), default=0.0) or 1.0
    drawn = [_row(row, TOP + STEP * number, top, unit) for number, row in enumerate(rows)]
    return head(title, height=height, size=14) + "".join(drawn) + "</svg>\n"


def _row(row: Bar, y: int, top: float, unit: str) -> str:
    middle = y + BAR / 2
    weight = ' font-weight="600"' if row.ours else ""
    place = f'x="{LEFT - 12}" y="{middle + 5:g}" text-anchor="end"'
    label = f'<text {place} fill="#1a1a1a"{weight}>{escape(row.label)}</text>\n'
    if row.value is None:
        return label + f'<text x="{LEFT}" y="{middle + 5:g}" fill="#8a1c1c">{escape(row.note)}</text>\n'
    end = _x(row.value, top)
    colour = "#b3361b" if row.ours else "#5b7186"
    after = max(end, _x(row.high, top)) + 8
    return (
        label
        + f'<rect x="{LEFT}" y="{y}" width="{end - LEFT:g}" height="{BAR}" rx="2" fill="{colour}"/>\n'
        + f'<path d="M{_x(row.low, top):g} {middle:g}H{_x(row.high, top):g}" stroke="#1a1a1a" stroke-width="2"/>\n'
        + f'<text x="{after:g}" y="{middle + 5:g}" fill="#1a1a1a"{weight}>{row.value:,.0f} {escape(unit)}</text>\n'
    )


def _x(value: float, top: float) -> float:
    return round(LEFT + (WIDTH - LEFT - RIGHT) * value / top, 1)
