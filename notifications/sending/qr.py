"""A QR code of a link."""

from __future__ import annotations

import math
import struct
import zlib
from typing import Any, Final

import zxingcpp

SCALE: Final = 5  # pixels to a module: some 250 in all, which reads from a telephone's screen and from paper
# The mask is not chosen anew for each: weighing all eight takes four fifths of the time, and what a signed link holds
# is as good as random.
_MASK: Final = 3
_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
_AS_IS, _AS_ABOVE = b"\0", b"\2"  # how a row of a PNG is filtered: not, or as what differs from the row above
_GREY_OF_ONE_BIT: Final = (1, 0, 0, 0, 0)


def png(url: str) -> bytes:
    """The code as an image: black on white, also where the page is dark. A seventh of it may be unreadable; around it
    are four modules of white, as the standard has it."""
    code = zxingcpp.create_barcode(url, zxingcpp.BarcodeFormat.QRCode, ec_level="M", data_mask=_MASK)
    image: Any = code.to_image(scale=1, add_quiet_zones=True)  # a buffer, which its stubs can say from 3.12 on
    return _png(memoryview(image).tobytes())


def _png(modules: bytes) -> bytes:
    """A square image (PNG, ISO/IEC 15948) of these modules, each a byte: 0 for a black one, 255 for a white one.
    Libraries that write any image take three times as long for this one."""
    side = math.isqrt(len(modules)) * SCALE
    bits = modules.replace(b"\0", b"0" * SCALE).replace(b"\xff", b"1" * SCALE)
    width = (side + 7) // 8
    same = (_AS_ABOVE + bytes(width)) * (SCALE - 1)
    rows = (int(bits[at : at + side], 2) << 8 * width - side for at in range(0, len(bits), side))
    drawn = b"".join(_AS_IS + row.to_bytes(width, "big") + same for row in rows)
    header = struct.pack(">IIBBBBB", side, side, *_GREY_OF_ONE_BIT)
    return _SIGNATURE + _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(drawn)) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
