"""A QR code of a link."""

from __future__ import annotations

from io import BytesIO
from typing import Final

import segno
from segno import QRCode

SCALE: Final = 5  # pixels to a module: some 250 in all, which reads from a telephone's screen and from paper
QUIET_ZONE: Final = 4  # modules of white around it, as the standard has it


def code(url: str) -> QRCode:
    """The code, of which a seventh may be unreadable.

    The mask is not chosen anew for each: weighing all eight takes five sixths of the time, and what a signed link
    holds is as good as random.
    """
    return segno.make_qr(url, error="m", mask=3, boost_error=False)


def png(url: str) -> bytes:
    """The code as an image: black on white, also where the page is dark."""
    buffer = BytesIO()
    code(url).save(buffer, kind="png", scale=SCALE, border=QUIET_ZONE)
    return buffer.getvalue()
