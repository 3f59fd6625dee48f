"""The register of erasures: a file outside the database, so that who was erased stays so when an older copy of the
database is restored. It names nobody: keyed hashes, and when each asked."""

from __future__ import annotations

import hmac
import os
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Final

import msgspec

from schemas.errors import ConfigurationError
from storage.database import Conn
from storage.ledger.ledger import JourneyKey
from storage.vault.master import Master

FILE: Final = "erased.log"
_HEAD: Final = "key"
_ABOUT: Final = b"register"
_UNNOTED: Final = """
SELECT campaign, candidate, erased_at FROM vault.person WHERE NOT registered ORDER BY erased_at LIMIT %s
"""
# Where it was erased once more meanwhile, that is still to be noted.
_NOTED: Final = """
UPDATE vault.person p SET registered = true
FROM unnest(%b::text[], %b::text[], %b::timestamptz[]) AS u(campaign, candidate, at)
WHERE (p.campaign, p.candidate) = (u.campaign, u.candidate) AND p.erased_at = u.at
"""
_PERSONS: Final = """
SELECT campaign, candidate, max(erased_at) FROM (
    SELECT campaign, candidate, erased_at FROM vault.person
    UNION ALL SELECT campaign, candidate, NULL FROM journeys
) AS known GROUP BY campaign, candidate
"""
PORTION: Final = 5000

Erasure = tuple[str, str, datetime]  # campaign, candidate, when


class Register:
    """The file. A line for each erasure: hash and time; the first has the key of the hashes, wrapped by the master
    key."""

    def __init__(self, path: Path, master: Master, randomness: Callable[[int], bytes] = secrets.token_bytes) -> None:
        self._path, self._master, self._randomness = path, master, randomness

    def note(self, erasures: Sequence[Erasure]) -> None:
        """Add erasures, on the disk when this returns."""
        if not erasures:
            return
        key = self._key()
        lines = [f"\n{_hash(key, (campaign, candidate))} {at.isoformat()}" for campaign, candidate, at in erasures]
        with self._path.open("a") as file:
            file.write("".join(lines))
            file.flush()
            os.fsync(file.fileno())

    def among(self, persons: Iterable[JourneyKey]) -> dict[JourneyKey, datetime]:
        """Which of these persons were erased, and when last."""
        if not self._path.exists():
            return {}
        key, erased = self._key(), self._read()
        hashes = {person: _hash(key, person) for person in persons}
        return {person: erased[told] for person, told in hashes.items() if told in erased}

    def wrap_anew(self) -> None:
        """Wrap the key of the hashes by the present master key."""
        if self._path.exists():
            key = self._key()
            _, line_end, rest = self._path.read_text().partition("\n")
            fresh = self._path.with_name(f".{self._path.name}.{os.getpid()}")
            self._begin(fresh, key, line_end + rest)
            fresh.replace(self._path)

    def _key(self) -> bytes:
        if not self._path.exists():
            self._path.parent.mkdir(parents=True, exist_ok=True)
            fresh = self._path.with_name(f".{self._path.name}.{secrets.token_hex(4)}")
            self._begin(fresh, self._randomness(32), "")
            with suppress(FileExistsError):  # another worker was first
                os.link(fresh, self._path)
            fresh.unlink()
        head, _, wrapped = self._path.read_text().split("\n", 1)[0].partition(" ")
        if head != _HEAD:
            raise ConfigurationError(f"the register of erasures {self._path} is damaged: put back the copy of it")
        return self._master.unwrap(wrapped, _ABOUT)

    def _begin(self, path: Path, key: bytes, rest: str) -> None:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(f"{_HEAD} {self._master.wrap(key, _ABOUT)}{rest}")
            file.flush()
            os.fsync(file.fileno())

    def _read(self) -> dict[str, datetime]:
        """The latest time of each hash. A line that was cut off by a crash is left out: it was noted again."""
        found: dict[str, datetime] = {}
        for line in self._path.read_text().split("\n")[1:]:
            told, _, text = line.partition(" ")
            with suppress(ValueError):
                at = datetime.fromisoformat(text).astimezone(UTC)
                found[told] = max(at, found.get(told, at))
        return found


async def note_all(conn: Conn, register: Register) -> int:
    """Bring the register up to what the database knows. Returns how many erasures were noted."""
    count = 0
    while rows := await (await conn.execute(_UNNOTED, [PORTION])).fetchall():
        register.note(rows)
        await conn.execute(_NOTED, [list(column) for column in zip(*rows, strict=True)])
        count += len(rows)
    return count


async def forgotten_by(conn: Conn, register: Register) -> Mapping[JourneyKey, datetime]:
    """Who was erased by the register, and is not, or not so late, by this database: a copy from before."""
    rows = await (await conn.execute(_PERSONS)).fetchall()
    known = {(campaign, candidate): at for campaign, candidate, at in rows}
    never = datetime.min.replace(tzinfo=UTC)
    return {person: at for person, at in register.among(known).items() if at > (known[person] or never)}


def _hash(key: bytes, person: JourneyKey) -> str:
    return hmac.new(key, msgspec.json.encode(person), sha256).hexdigest()
