"""Real servers for the tests: one PostgreSQL for the run with a fresh database each, a fresh broker each."""

from __future__ import annotations

import gc
import os
import shutil
import signal
import tempfile
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from fastapi.dependencies import models
from hypothesis import HealthCheck, settings

from schemas.errors import ConfigurationError
from storage.setup import migrate
from storage.vault.master import make_master
from storage.vault.persons import file_vault
from storage.vault.process import open_vault
from tests.databases import Databases
from tests.kafka.apache_kafka import empty_topics, start, why_not
from tests.logs import telling
from tests.order import BrowsersLast, ordered
from tests.stand_ins.fixtures import sendgrid_server, smtp_server, webhook_server
from yinfeng.children import running
from yinfeng.embedded.broker import EmbeddedBroker
from yinfeng.embedded.postgres import EmbeddedPostgres

__all__ = ["sendgrid_server", "smtp_server", "webhook_server"]

FASTAPIS = [each for each in vars(models).values() if hasattr(each, "cache_clear")]
APACHE_CACHE = Path(__file__).parents[1] / ".cache" / "kafka"

settings.register_profile("fast", max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("full", max_examples=1000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "fast"))


def pytest_configure(config: pytest.Config) -> None:
    """A folder for this run alone: each run of pytest takes the rights of others off the folder that all share,
    and as root PostgreSQL is such an other. And signals as on a terminal: what `nohup` and `&` have a process ignore,
    the processes that the tests start would ignore too."""
    for ignored in (signal.SIGINT, signal.SIGHUP):
        if signal.getsignal(ignored) is signal.SIG_IGN:
            signal.signal(ignored, signal.default_int_handler)
    if config.option.basetemp is None:
        config.option.basetemp = tempfile.mkdtemp(prefix="yinfeng-tests-")
        config.add_cleanup(lambda: shutil.rmtree(config.option.basetemp, ignore_errors=True))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items[:] = ordered(items)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> BrowsersLast:
    return BrowsersLast(config, log)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """What is collected stays: the garbage collector need not go through a million objects again and again."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.collect()
        gc.freeze()


def pytest_runtest_logfinish() -> None:
    """FastAPI remembers functions that it looked at, and by them the web app of each test before."""
    for known in FASTAPIS:
        known.cache_clear()


@pytest.fixture(scope="session", autouse=True)
def _logs_tell_of_nobody(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Looked at once all servers of the run have ended: what is set up first is taken down last."""
    yield
    assert telling(tmp_path_factory.getbasetemp()) == []


@pytest.fixture(scope="session", autouse=True)
def _vault(tmp_path_factory: pytest.TempPathFactory) -> None:
    """One master key for this process and for those that are started: they may work on the same database."""
    path = tmp_path_factory.mktemp("master") / "master.key"
    make_master(path)
    os.environ["YINFENG_MASTER_KEY_FILE"] = str(path)
    open_vault(file_vault(path))


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    """The embedded PostgreSQL, running for the whole session."""
    home = tmp_path_factory.mktemp("postgres-home")
    server = EmbeddedPostgres(home, lambda text: None)
    with running(server.spec(), home / "logs"):
        migrate(server.url)
        with psycopg.connect(server.url, autocommit=True) as connection:
            # A thousand databases are made and dropped, and no test takes the power away: that is for the fault suite,
            # whose platforms have servers of their own.
            connection.execute("ALTER SYSTEM SET fsync = off")
            connection.execute("SELECT pg_reload_conf()")
        yield server


@pytest.fixture(scope="session")
def databases(postgres: EmbeddedPostgres) -> Iterator[Databases]:
    """Databases of the tests' own on that server."""
    found = Databases(postgres)
    yield found
    found.close()


@pytest.fixture
def database_url(databases: Databases) -> Iterator[str]:
    """A database of its own, with the tables made and nothing in them."""
    with databases.fresh() as url:
        yield url


@pytest.fixture(scope="session")
def apache_kafka() -> Iterator[str]:
    """The address of an Apache Kafka that runs for the whole session; where it can't, the reason is said."""
    if reason := why_not():
        pytest.skip(reason)
    try:
        broker = start(APACHE_CACHE, f"session-{os.getpid()}")
    except ConfigurationError as error:
        pytest.skip(f"Apache Kafka could not be fetched: {error}")
    yield broker.address
    broker.stop()
    shutil.rmtree(broker.folder)


@pytest.fixture(params=["embedded", "apache"])
def kafka(request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of a broker with empty topics: the embedded one, then Apache Kafka."""
    if request.param == "apache":
        address = request.getfixturevalue("apache_kafka")
        empty_topics(address)
        yield address
    else:
        yield request.getfixturevalue("embedded_kafka")


@pytest.fixture
def embedded_kafka(tmp_path: Path) -> Iterator[str]:
    """The address of an embedded broker of its own, with empty topics."""
    home = tmp_path / "broker-home"
    home.mkdir()
    broker = EmbeddedBroker(home)
    with running(broker.spec(), home / "logs"):
        yield broker.address
