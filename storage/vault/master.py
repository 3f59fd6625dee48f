"""The master key, with which each person's key is wrapped: a port of few calls, and the file that is behind it here.

A key service may stand behind the same port: it wraps and unwraps, and never hands the master key out.
"""

from __future__ import annotations

import base64
import binascii
import os
import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from schemas.errors import CannotOpen, ConfigurationError

FILE: Final = "master.key"
_BYTES: Final = 32
_NONCE: Final = 12
_MODE: Final = 0o600
_HEAD: Final = (
    "# Yinfeng's master keys, the latest first. Without this file nobody's data can be read: keep a copy apart."
)

Randomness = Callable[[int], bytes]


class Master(Protocol):
    """Wraps keys. `about` says whose a key is, and must be the same when it is unwrapped."""

    @property
    def current(self) -> str:
        """The id of the master key that wraps from now on."""

    def wrap(self, key: bytes, about: bytes) -> str:
        """`<id of the master key>:<wrapped>`."""

    def wrap_all(self, keys: Iterable[tuple[bytes, bytes]]) -> list[str]:
        """The same of many at once: (key, about) of each, in their order."""

    def unwrap(self, wrapped: str, about: bytes) -> bytes:
        """Raises ConfigurationError where the master key is not known, CannotOpen where it is not the right one."""


@dataclass(frozen=True, slots=True)
class _Known:
    """The keys of a file as it was read, by id, the latest first, and what tells that it has changed. `ciphers` by id:
    made once, since each wraps a key for each person."""

    keys: dict[str, bytes]
    stamp: tuple[int, int, int]
    ciphers: dict[str, AESGCM] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "ciphers", {id: AESGCM(key) for id, key in self.keys.items()})


class FileMaster:
    """Master keys in a file that only its owner may read. Another process may rotate them: the file is looked at anew
    before keys are wrapped, and read again when it has changed."""

    def __init__(self, path: Path, randomness: Randomness = secrets.token_bytes) -> None:
        """Raises ConfigurationError where there is no such file, or it holds no keys."""
        self._path, self._randomness = path, randomness
        self._known = _read(path)

    @property
    def current(self) -> str:
        self._look()
        return next(iter(self._known.keys))

    def wrap(self, key: bytes, about: bytes) -> str:
        return self.wrap_all([(key, about)])[0]

    def wrap_all(self, keys: Iterable[tuple[bytes, bytes]]) -> list[str]:
        id = self.current
        cipher, found = self._known.ciphers[id], []
        for key, about in keys:
            nonce = self._randomness(_NONCE)
            wrapped = nonce + cipher.encrypt(nonce, key, about)
            found.append(f"{id}:{binascii.b2a_base64(wrapped, newline=False).decode()}")
        return found

    def unwrap(self, wrapped: str, about: bytes) -> bytes:
        id, _, text = wrapped.partition(":")
        if id not in self._known.keys:
            self._look()
        if id not in self._known.keys:
            raise ConfigurationError(
                f"the master key {id} is not in {self._path}: put back the file, or the copy of it, that has it"
            )
        try:
            raw = binascii.a2b_base64(text, strict_mode=True)
            return self._known.ciphers[id].decrypt(raw[:_NONCE], raw[_NONCE:], about)
        except (InvalidTag, binascii.Error, ValueError) as error:
            raise CannotOpen(f"a person's key can't be unwrapped: {self._path} holds another key as {id}") from error

    def rotate(self) -> str:
        """Make a new master key. The one before stays, so that what it wrapped can be read; older ones go. Returns the
        new one's id."""
        self._look()
        kept = dict(list(self._known.keys.items())[:1])
        id = _new(self._randomness, self._known.keys)
        _write(self._path, {**id, **kept})
        self._known = _read(self._path)
        return self.current

    def _look(self) -> None:
        if _stamp(self._path) != self._known.stamp:
            self._known = _read(self._path)


def make_master(path: Path, randomness: Randomness = secrets.token_bytes) -> bool:
    """Make the file with a first key, where there is none. Returns whether it was made."""
    if path.exists():
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    _write(path, _new(randomness, {}), only_new=True)
    return True


def _new(randomness: Randomness, besides: dict[str, bytes]) -> dict[str, bytes]:
    id = randomness(4).hex()
    return _new(randomness, besides) if id in besides else {id: randomness(_BYTES)}


def _write(path: Path, keys: dict[str, bytes], *, only_new: bool = False) -> None:
    """In one step, and on the disk before anything is wrapped with it."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    lines = [_HEAD, *(f"{id} {base64.b64encode(key).decode()}" for id, key in keys.items())]
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, _MODE)
    with os.fdopen(descriptor, "w") as file:
        file.write("\n".join(lines) + "\n")
        file.flush()
        os.fsync(file.fileno())
    try:
        # A link fails where somebody else was first, whose key may have wrapped already.
        os.link(fresh, path) if only_new else fresh.replace(path)
    except FileExistsError:
        pass
    finally:
        fresh.unlink(missing_ok=True)
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _read(path: Path) -> _Known:
    stamp = _stamp(path)
    try:
        lines = [line.split() for line in path.read_text().splitlines() if line.strip() and not line.startswith("#")]
        keys = {id: base64.b64decode(text, validate=True) for id, text in lines}
    except OSError as error:
        raise _missing(path, error) from error
    except (ValueError, UnicodeError) as error:
        raise ConfigurationError(f"the master key file {path} is damaged: put back the copy of it") from error
    if not keys or any(len(key) != _BYTES for key in keys.values()):
        raise ConfigurationError(f"the master key file {path} is damaged: put back the copy of it")
    return _Known(keys, stamp)


def _stamp(path: Path) -> tuple[int, int, int]:
    try:
        found = path.stat()
    except OSError as error:
        raise _missing(path, error) from error
    if found.st_mode & 0o077:
        raise ConfigurationError(f"others may read the master key file {path}: chmod 600 it")
    return (found.st_ino, found.st_mtime_ns, found.st_size)


def _missing(path: Path, error: OSError) -> ConfigurationError:
    return ConfigurationError(
        f"the master key file {path} can't be read ({error.strerror}): put back the copy of it, or name it with"
        " YINFENG_MASTER_KEY_FILE"
    )
