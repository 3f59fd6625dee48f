"""`/openapi.json` tells the truth: requests that it allows, and such as it does not, are answered as it says."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.config import SchemathesisConfig
from schemathesis.specs.openapi.checks import positive_data_acceptance

from schemas.settings import Settings
from storage.access import keys
from storage.database import connect
from tests.databases import Databases
from tests.web import served
from yinfeng.web.app import create_app
from yinfeng.web.openapi import MACHINES

# What a schema allows may be refused all the same: a cursor is only ever ours, and fields of a fact must agree.
REFUSALS = [400, 401, 403, 404, 405, 406, 409, 413, 415, 422, 428, 429]
# How many requests are tried of each operation.
FEW = settings(
    max_examples=25, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck), print_blob=False
)


# A parameter that nobody knows is nobody's mistake; and a batch of which nothing passed is answered 207.
CONFIG = SchemathesisConfig.from_dict(
    {
        "generation": {"allow-extra-parameters": False},
        "checks": {"negative_data_rejection": {"expected-statuses": [*REFUSALS, 207]}},
    }
)


@pytest.fixture(scope="module")
def app(databases: Databases) -> Iterator[tuple[str, str]]:
    """The address of a web app with a database of its own, and an organizer's key."""

    async def key(url: str) -> str:
        async with await connect(url, name="test") as conn:
            return await keys.create(conn, name="o", role="organizer")

    with databases.fresh() as url, served(url) as address:
        yield address, asyncio.run(key(url))


def described() -> Any:
    made = create_app(Settings(database_url="postgresql://none/none", kafka="127.0.0.1:1"))
    return schemathesis.openapi.from_dict(made.openapi(), config=CONFIG)


SCHEMA = described()
# A stream has no end, and no schema for what comes on it; tests/integration/test_stream.py reads it.
OPERATIONS = [
    operation
    for operation in (found.ok() for found in SCHEMA.get_all_operations())
    if operation.path != "/v1/targets/stream"
]


# The server is a thread of this process, and whatever it draws while a request is made up looks like the request's own.
@pytest.mark.filterwarnings("ignore:Do not use the `random` module inside strategies")
@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.label)
def test_what_is_said_is_so(operation: Any, mode: GenerationMode, app: tuple[str, str]):
    address, token = app

    @FEW
    @given(case=operation.as_strategy(generation_mode=mode))
    def ask(case: Any) -> None:
        case.call_and_validate(
            base_url=address, headers={"Authorization": f"Bearer {token}"}, excluded_checks=[positive_data_acceptance]
        )

    try:
        ask()
    except Unsatisfiable:
        pytest.skip("there is no such request")


def test_all_that_machines_call_is_described():
    paths = set(SCHEMA.raw_schema["paths"])
    assert paths
    assert all(path.startswith(MACHINES) for path in paths)
    assert {"/v1/events", "/v1/campaigns", "/v1/messages", "/metrics", "/healthz"} <= paths
