"""What every SVG picture begins with, readable on a light and on a dark page. Pure."""

from __future__ import annotations

from html import escape
from typing import Final

WIDTH: Final = 860
_HEAD: Final = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" aria-labelledby="title"
     font-family="system-ui, sans-serif" font-size="{size}">
<title id="title">{title}</title>
<rect width="{width}" height="{height}" fill="#ffffff"/>
<text x="16" y="30" font-size="16" font-weight="600" fill="#1a1a1a">{title}</text>
"""


def head(title: str, *, height: int, size: int) -> str:
    """The picture's beginning, with its title; `size`: of what is written in it. It is ended by `</svg>`."""
    return _HEAD.format(width=WIDTH, height=height, title=escape(title), size=size)
