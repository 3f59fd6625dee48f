"""Apache Kafka with SASL/SCRAM over TLS: all of the platform's clients are let in, and nobody else."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from producers.client import BulkPoster
from schemas.errors import BrokerUnavailable, ConfigurationError
from schemas.facts import validate_event
from schemas.kafka import KafkaAccess, Security
from schemas.settings import load_settings
from storage.database import connect
from storage.ledger import ledger
from tests.facts import hired, opened, target
from tests.kafka.apache_kafka import Guarded, start, why_not
from tests.platform import until
from tests.processes import part
from yinfeng.kafka_admin import answers, create_topics, facts_topic
from yinfeng.lag import facts_lag

CACHE = Path(__file__).parents[2] / ".cache" / "kafka"
PASSWORD = "a-secret-of-the-tests"


@dataclass
class Guard:
    """A broker that lets in whom it knows, and how to be let in."""

    access: KafkaAccess
    cafile: Path


@pytest.fixture(scope="module")
def guard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guard]:
    if reason := why_not():
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("certificates")
    cafile, keystore = certificates(folder)
    broker = start(CACHE, f"guarded-{folder.name}", Guarded("yinfeng", PASSWORD, keystore))
    security = Security("SASL_SSL", "SCRAM-SHA-512", "yinfeng", PASSWORD, cafile)
    yield Guard(KafkaAccess(f"localhost:{broker.secured}", security), cafile)
    broker.stop()
    shutil.rmtree(broker.folder)


def certificates(folder: Path) -> tuple[Path, Path]:
    """A certificate for localhost that signs itself, and a PEM of it with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    certificate = made.public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "ca.pem").write_bytes(certificate)
    (folder / "keystore.pem").write_bytes(private + certificate)
    return folder / "ca.pem", folder / "keystore.pem"


async def test_facts_go_all_the_way(guard: Guard, database_url: str, tmp_path: Path):
    env = {
        "YINFENG_KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
        "YINFENG_KAFKA_SASL_MECHANISM": "SCRAM-SHA-512",
        "YINFENG_KAFKA_SASL_USERNAME": "yinfeng",
        "YINFENG_KAFKA_SASL_PASSWORD": PASSWORD,
        "YINFENG_KAFKA_SSL_CAFILE": str(guard.cafile),
    }
    create_topics(guard.access)
    assert facts_topic(guard.access).max_bytes == 2 * 1024 * 1024
    kafka = guard.access.addresses
    with (
        part(tmp_path / "relay", "relay", database_url=database_url, kafka=kafka, **env) as relay,
        part(tmp_path / "worker", "worker", database_url=database_url, kafka=kafka, **env) as worker,
    ):
        async with await connect(database_url, name="test") as conn:
            said = [validate_event(event) for event in (opened(), target("t"), hired("c1"))]
            await ledger.append(conn, said, posted_by="key:test")
        with BulkPoster(guard.access) as poster:
            poster.post([hired("c2")])
        with psycopg.connect(database_url, autocommit=True) as connection:
            until(lambda: connection.execute("SELECT sum(progress) FROM targets").fetchone() == (2,))
        until(lambda: facts_lag(guard.access) == 0)
        logs = relay.log.read_text() + worker.log.read_text()
    assert PASSWORD not in logs


@pytest.mark.parametrize("changed", [{"password": "another"}, {"cafile": None}], ids=str)
def test_who_is_not_let_in_is_told_so(guard: Guard, changed: dict[str, object]):
    wrong = replace(guard.access, security=replace(guard.access.security, **changed))
    with pytest.raises(BrokerUnavailable, match="does not answer"):
        create_topics(wrong)


def test_health_asks_over_tls(guard: Guard):
    assert answers(guard.access, within=3)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"kafka_security_protocol": "SSL"}, "names no brokers"),
        (
            {"kafka": "k:1", "kafka_security_protocol": "SASL_SSL", "kafka_sasl_username": "u"},
            "needs YINFENG_KAFKA_SASL",
        ),
        ({"kafka": "k:1", "kafka_sasl_username": "u"}, "asks for nobody"),
        ({"kafka": "k:1", "kafka_security_protocol": "SSL", "kafka_ssl_keyfile": "k.pem"}, "without"),
        ({"kafka": "k:1", "kafka_security_protocol": "TLS"}, "YINFENG_KAFKA_SECURITY_PROTOCOL"),
    ],
)
def test_settings_that_don_t_fit_are_named(settings: dict[str, object], said: str):
    with pytest.raises(ConfigurationError, match=said):
        load_settings(**settings)


def test_the_password_is_in_no_word_about_it():
    assert PASSWORD not in repr(KafkaAccess("k:1", Security("SASL_SSL", "PLAIN", "u", PASSWORD)))
