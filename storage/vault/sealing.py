"""A fact's personal values, sealed: pure. They leave the event, and become its extension attribute `sealed`:
`1.<life>.<names>.<nonce and ciphertext, base64url>`.

`names` says what is inside, so that who carries it need not look: fields of `data`, and attributes with an `@` before
them; what is compared has a digest behind it (`salary~1f2e…`). Everything that says whose and which fact it is, is
authenticated: no value can be moved to another.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from schemas.access import CONSOLE
from schemas.compiled import ATTRIBUTES
from schemas.errors import CannotOpen
from schemas.forms import UNDO_UNTIL
from schemas.sealed import COMPARED, SEAL_VERSION, SEALED, Event, Seal, personal_fields, seal_of

KEY_BYTES: Final = 32
_NONCE: Final = 12
_OVERHEAD: Final = 100  # bytes: the attribute's name, version, life, nonce and tag
PLAIN_ATTRIBUTES: Final = (ATTRIBUTES | {"dataschema", SEALED}) - {"subject"}

DrawNonce = Callable[[int], bytes]


def personal(event: Event) -> list[str]:
    """What of an event is personal: fields of its data, attributes with an `@` before them."""
    fields = personal_fields(event["type"])
    data = event["data"]
    found = [name for name in fields if name in data] if fields else []
    if len(event) > len(PLAIN_ATTRIBUTES) or not PLAIN_ATTRIBUTES.issuperset(event):
        found += [f"@{name}" for name in sorted(event.keys() - PLAIN_ATTRIBUTES) if not _is_ours(event, name)]
    return found


def seal(
    event: Event,
    key: bytes,
    life: int,
    nonces: DrawNonce,
    like: Seal | None = None,
    *,
    names: list[str] | None = None,
) -> Event:
    """The event with what is personal sealed under the key of its person's life; itself where nothing is. `like`: how
    it was sealed in another life, whose digests it keeps. `names`: what is personal, where that is known already."""
    names = personal(event) if names is None else names
    if not names:
        return event
    inside = parts_of(event, names)
    said = like.said if like is not None and set(like.names) == set(names) else _said(inside, key)
    nonce = nonces(_NONCE)
    ciphertext = AESGCM(key).encrypt(nonce, _encode(inside), _about(event, life, said))
    text = base64.urlsafe_b64encode(nonce + ciphertext).decode().rstrip("=")
    open_part = without(event, names)
    open_part[SEALED] = f"{SEAL_VERSION}.{life}.{said}.{text}"
    return open_part


def growth(event: Event) -> int:
    """How many bytes an event gains at most by being sealed: base64 takes a third more, and names are said again."""
    names = personal(event)
    inside = parts_of(event, names)
    return len(_encode(inside)) // 3 + sum(map(len, names)) + _OVERHEAD if names else 0


def without(event: Event, names: list[str]) -> Event:
    """The event without these fields and attributes."""
    rest = dict(event)
    rest["data"] = data = dict(event["data"])
    for name in names:
        if name.startswith("@"):
            rest.pop(name.removeprefix("@"), None)
        else:
            data.pop(name, None)
    return rest


def parts_of(event: Event, names: Iterable[str]) -> dict[str, Any]:
    """What an event says under these names."""
    return {name: _at(event, name)[name.removeprefix("@")] for name in names}


def with_parts(event: Event, parts: Mapping[str, Any]) -> Event:
    """The event saying this too."""
    attributes = {name.removeprefix("@"): value for name, value in parts.items() if name.startswith("@")}
    fields = {name: value for name, value in parts.items() if not name.startswith("@")}
    return {**event, **attributes, "data": {**event["data"], **fields}}


def unseal(event: Event, key: bytes) -> Event:
    """The event as it was said. Raises CannotOpen with another key than it was sealed with, and when it was changed."""
    if SEALED not in event:
        return event
    held = seal_of(event)
    if held is None:
        raise CannotOpen("what is sealed has a form that this version doesn't know")
    try:
        raw = base64.b64decode(held.contents + "=" * (-len(held.contents) % 4), altchars=b"-_", validate=True)
        inside = _decode(AESGCM(key).decrypt(raw[:_NONCE], raw[_NONCE:], _about(event, held.life, held.said)))
    except (InvalidTag, binascii.Error, ValueError) as error:
        raise CannotOpen("what is sealed was changed, or sealed with another key") from error
    return with_parts(without(event, [f"@{SEALED}"]), inside)


def _at(event: Event, name: str) -> dict[str, Any]:
    """Where a name stands: among the attributes, or in the data."""
    where: dict[str, Any] = event if name.startswith("@") else event["data"]
    return where


def _is_ours(event: Event, name: str) -> bool:
    """The attribute of our own forms that the fold looks at; from others it may be anything."""
    return name == UNDO_UNTIL and event["source"] == CONSOLE


def _said(inside: dict[str, Any], key: bytes) -> str:
    """The names of what is inside, and digests under the person's key of what is compared: they tell nobody else what
    was said, not even of the little that a salary may be."""
    if COMPARED.isdisjoint(inside):
        return ",".join(inside)
    return ",".join(
        f"{name}~{_digest(name, value, key)}" if name in COMPARED else name for name, value in inside.items()
    )


def _digest(name: str, value: Any, key: bytes) -> str:
    return hmac.digest(key, _encode(["compared", name, value]), "sha256")[:8].hex()


def _about(event: Event, life: int, said: str) -> bytes:
    data = event["data"]
    whose = (data["campaign"], data.get("candidate"))
    return _encode([SEAL_VERSION, life, said, *whose, event["source"], event["id"], event["type"]])


_encode: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder(dict[str, Any]).decode
