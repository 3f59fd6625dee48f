"""Signed links: who holds one may do the one thing that it is for, to the one message that it came with."""

from __future__ import annotations

import hashlib
import hmac
import uuid
from binascii import b2a_base64
from functools import lru_cache
from typing import Final, Literal

import msgspec
from itsdangerous import BadSignature, URLSafeSerializer

from schemas.errors import NotFound
from schemas.keyed import KeyedDigest
from storage.database import Conn
from storage.messages.link_secret import load_secret

Purpose = Literal["answer", "ticket", "calendar", "unsubscribe", "me", "signup", "address"]

_LONGEST: Final = 200
_DIGEST: Final = "sha256"
_OF_ADDRESSES: Final = bytes.maketrans(b"+/", b"-_")
_encode: Final = msgspec.json.Encoder().encode


class Links:
    """Makes and reads links. `secret`: at least 32 random bytes; `base_url`: where the web app is reached."""

    def __init__(self, secret: bytes, base_url: str) -> None:
        self._secret = secret
        self._readers = {purpose: _serializer(secret, purpose) for purpose in PATHS}
        # A reader's signer derives its key anew for each signature.
        self._sign = {purpose: KeyedDigest(each.make_signer().derive_key()) for purpose, each in self._readers.items()}
        self._base_url = base_url

    def url(self, purpose: Purpose, message: str) -> str:
        """The address that lets its reader do this with the message of this name."""
        return f"{self._base_url}{PATHS[purpose]}{self.token(purpose, message)}"

    def token(self, purpose: Purpose, message: str) -> str:
        """As `dumps` would make it, but for trying to compress what is too short for it."""
        said = _said(message)
        return (said + b"." + _base64(self._sign[purpose](said))).decode()

    def uid(self, *names: str) -> str:
        """A name for something of this installation's: the same for ever, and no other installation's."""
        return _uid(self._secret, names)

    def read(self, purpose: Purpose, token: str) -> str:
        """The name of the message that a token was made for. Raises NotFound when we made none such."""
        try:
            found = self._readers[purpose].loads(token[:_LONGEST])
        except BadSignature:
            raise NotFound("this link is not whole; open it from the mail again") from None
        return str(found)


async def load(conn: Conn, base_url: str) -> Links:
    """The links of this installation; the first call makes its secret, which goes with this transaction if that is
    undone: so it is asked for each time."""
    return _known(await load_secret(conn), base_url)


@lru_cache(8)
def _known(secret: bytes, base_url: str) -> Links:
    return Links(secret, base_url)


@lru_cache(1024)  # mails of one fair ask for its name again and again
def _uid(secret: bytes, names: tuple[str, ...]) -> str:
    whole = b"".join(len(name.encode()).to_bytes(4) + name.encode() for name in names)
    digest = hmac.digest(secret, b"yinfeng.uid:" + whole, "sha256")
    return str(uuid.UUID(bytes=digest[:16], version=5))


@lru_cache(1024)  # a mail has several links to what is about it
def _said(message: str) -> bytes:
    return _base64(_encode(message))


def _base64(said: bytes) -> bytes:
    """For addresses, without what fills it up."""
    return b2a_base64(said, newline=False).translate(_OF_ADDRESSES).rstrip(b"=")


def _serializer(secret: bytes, purpose: Purpose) -> URLSafeSerializer:
    return URLSafeSerializer(
        secret, salt=f"yinfeng.{purpose}", signer_kwargs={"digest_method": getattr(hashlib, _DIGEST)}
    )


PATHS: Final[dict[Purpose, str]] = {
    "answer": "/offers/",
    "ticket": "/tickets/",
    "calendar": "/calendar/",
    "unsubscribe": "/unsubscribe/",
    "me": "/me/",
    "signup": "/signup/",
    "address": "/address/",
}
