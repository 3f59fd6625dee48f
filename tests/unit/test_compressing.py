"""Mails are kept in few bytes, and what was kept once can be read for ever."""

from __future__ import annotations

import sys
import zlib
from base64 import b64decode
from hashlib import sha256
from importlib import resources

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import Conflict
from storage.messages.compressing import DICTIONARY, compressed, expanded, parted, set_beside
from tests.mail_dictionary import mails

if sys.version_info >= (3, 14):
    from compression.zstd import ZstdDict, compress, decompress
else:
    from backports.zstd import ZstdDict, compress, decompress


@given(st.binary(max_size=20_000))
def test_a_mail_is_what_it_was(mail: bytes):
    assert expanded(compressed(mail)) == mail
    assert expanded(zlib.compress(mail, 1)) == mail


@given(st.binary(max_size=2_000), st.binary(max_size=2_000))
def test_who_knows_mails_alone_reads_them_without_what_stands_beside(mail: bytes, files: bytes):
    """As the version before does, which is at work beside this one while it is put in its place."""
    kept = compressed(mail) + set_beside(files)
    known = ZstdDict((resources.files("storage") / "messages" / DICTIONARY).read_bytes())
    assert decompress(kept, zstd_dict=known) == mail
    ours, beside = parted(kept)
    assert expanded(ours) == mail
    assert beside is not None
    assert expanded(beside) == files


@given(st.binary(max_size=2_000))
def test_nothing_stands_beside_a_mail_without_files(mail: bytes):
    for kept in (compressed(mail), zlib.compress(mail, 1), mail):
        assert parted(kept) == (kept, None)


def test_a_mail_of_any_kind_takes_few_bytes():
    found = {kind: (len(mail), len(compressed(mail))) for kind, mail in mails(1, "Another")}
    assert sum(kept for _, kept in found.values()) * 10 < sum(size for size, _ in found.values())
    assert not {kind: sizes for kind, sizes in found.items() if sizes[1] * 4 > sizes[0]}


def test_a_dictionary_is_never_changed():
    """Who changes it can't read what was kept."""
    kept = (resources.files("storage") / "messages" / DICTIONARY).read_bytes()
    assert sha256(kept).hexdigest() == "b6df93217add6182296edc3646b62b65399ce8846ce2fb8763658b7f949637f2"


@pytest.mark.parametrize(
    "kept", [b64decode("KLUv/SMX0WY8QUUBAMAiLCI8cD7kurLniLHnmoQ8L3A+IiwiIl0E/MxZifHdCEee/E6mBAw=")]
)
def test_a_mail_that_was_kept_once_is_read(kept: bytes):
    assert expanded(kept).decode() == '["录用通知","<p>亲爱的李思雨</p>","亲爱的李思雨"]'


@pytest.mark.parametrize("kept", ["another dictionary", "another form", "nothing"])
def test_a_mail_that_another_version_wrote_in_a_way_of_its_own_is_told_from_one_that_is_damaged(kept: str):
    others = (resources.files("storage") / "messages" / DICTIONARY).read_bytes()
    others = others[:4] + (7).to_bytes(4, "little") + others[8:]  # its number
    written = {
        "another dictionary": compress(b"mail", zstd_dict=ZstdDict(others)),
        "another form": b"BZh9",
        "nothing": b"",
    }
    with pytest.raises(Conflict, match="another version of Yinfeng"):
        expanded(written[kept])
