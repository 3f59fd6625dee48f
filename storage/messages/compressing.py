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

from schemas.errors import Conflict

if sys.version_info >= (3, 14):
    from compression.zstd import ZstdCompressor, ZstdDict, ZstdError, decompress, get_frame_info, get_frame_size
else:
    from backports.zstd import ZstdCompressor, ZstdDict, ZstdError, decompress, get_frame_info, get_frame_size

DICTIONARY: Final = "mails_1.zdict"
_LEVEL: Final = 3
_ZLIB: Final = b"\x78"  # how the mails of earlier versions begin
_BESIDE: Final = (0x184D2A50).to_bytes(4, "little")  # Zstandard's frame that readers pass over; its length follows
_LENGTH: Final = 4
OF_ANOTHER: Final = (
    "the mail was written by another version of Yinfeng, with what this one does not have to read it: it is kept as it"
    " is, and that version or a later one shows it"
)


def compressed(mail: bytes) -> bytes:
    """The mail in few bytes."""
    return _compressor().compress(mail, ZstdCompressor.FLUSH_FRAME)


def expanded(kept: bytes) -> bytes:
    """The mail again, also one of an earlier version. Raises Conflict for one that was written with a dictionary, or in
    a form, that this version does not have; damaged it can't be, as what is sealed is proved when it is opened."""
    if kept.startswith(_ZLIB):
        return zlib.decompress(kept)
    if _written_with(kept) != _dictionary().dict_id:
        raise Conflict(OF_ANOTHER)
    return decompress(kept, zstd_dict=_dictionary())


def set_beside(content: bytes) -> bytes:
    """What is kept behind a mail, in few bytes: who knows of mails alone, as the version before, passes over it."""
    packed = compressed(content)
    return _BESIDE + len(packed).to_bytes(_LENGTH, "little") + packed


def parted(kept: bytes) -> tuple[bytes, bytes | None]:
    """A mail as it is kept, and what was set beside it, if anything was; each to be expanded."""
    try:
        size = get_frame_size(kept)
    except ZstdError:  # in another form, that has nothing beside it
        return kept, None
    beside = kept[size:]
    return (kept[:size], beside[len(_BESIDE) + _LENGTH :]) if beside.startswith(_BESIDE) else (kept, None)


def _written_with(kept: bytes) -> int | None:
    """The number of the dictionary; None for what is in another form."""
    try:
        return get_frame_info(kept).dictionary_id
    except ZstdError:
        return None


@cache
def _dictionary() -> ZstdDict:
    return ZstdDict((resources.files("storage") / "messages" / DICTIONARY).read_bytes())


@cache
def _compressor() -> ZstdCompressor:
    return ZstdCompressor(level=_LEVEL, zstd_dict=_dictionary().as_digested_dict)
