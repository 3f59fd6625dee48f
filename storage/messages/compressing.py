"""Mails in few bytes before they are sealed: what all mails say is in a dictionary that comes with the program, so that
little more than one person's words is left.

A mail that is kept can be read only with the dictionary that it was written with: none is ever changed or left out.
"""

from __future__ import annotations

import sys
import zlib
from functools import cache
from importlib import resources
from typing import Final

if sys.version_info >= (3, 14):
    from compression.zstd import ZstdCompressor, ZstdDict, decompress
else:
    from backports.zstd import ZstdCompressor, ZstdDict, decompress

DICTIONARY: Final = "mails_1.zdict"
_LEVEL: Final = 3
_ZLIB: Final = b"\x78"  # how the mails of earlier versions begin


def compressed(mail: bytes) -> bytes:
    """The mail in few bytes."""
    return _compressor().compress(mail, ZstdCompressor.FLUSH_FRAME)


def expanded(kept: bytes) -> bytes:
    """The mail again, also one of an earlier version."""
    return zlib.decompress(kept) if kept.startswith(_ZLIB) else decompress(kept, zstd_dict=_dictionary())


@cache
def _dictionary() -> ZstdDict:
    return ZstdDict((resources.files("storage") / "messages" / DICTIONARY).read_bytes())


@cache
def _compressor() -> ZstdCompressor:
    return ZstdCompressor(level=_LEVEL, zstd_dict=_dictionary().as_digested_dict)
