"""`/openapi.json`: what FastAPI sees of the routes, and what it can't see: who may call, and how else they answer.

Pages for people are left out: their answer is a page, whatever happens.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from schemas.openapi import PROBLEM, schemas_by_name
from yinfeng.web.problems import CONTENT_TYPE

# Without a key. The webhook asks for a signature instead.
PUBLIC: Final = frozenset({"/healthz", "/readyz", "/openapi.json", "/asyncapi.json", "/v1/webhooks/sendgrid"})
MACHINES: Final = ("/v1/", "/healthz", "/readyz", "/metrics", "/asyncapi.json")

_RETRY_AFTER: Final = {"Retry-After": {"description": "Seconds.", "schema": {"type": "string"}}}
_ASKS: Final = {"WWW-Authenticate": {"description": "How to say who calls.", "schema": {"type": "string"}}}


def describe(app: FastAPI, title: str) -> dict[str, Any]:
    """The document of all routes that machines call."""
    document = get_openapi(title=title, version=app.version, routes=app.routes)
    document["paths"] = {path: told for path, told in document["paths"].items() if path.startswith(MACHINES)}
    components = document.setdefault("components", {})
    components.setdefault("schemas", {}).update(schemas_by_name(), Problem=PROBLEM)
    for unused in ("HTTPValidationError", "ValidationError"):
        components["schemas"].pop(unused, None)
    components["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            _tell_the_rest(operation, path, method)
    return document


def _tell_the_rest(operation: dict[str, Any], path: str, method: str) -> None:
    responses = operation["responses"]
    if responses.get("422", {}).get("description") == "Validation Error":
        del responses["422"]
    operation["security"] = [] if path in PUBLIC else [{"key": []}]
    for status, description, headers in _answers(operation, path, method):
        known = responses.setdefault(status, {"description": description, **_problem()})
        known.setdefault("headers", {}).update(headers)


def _answers(operation: dict[str, Any], path: str, method: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """How a route answers beside its own words: (status, description, headers)."""
    if path in ("/healthz", "/openapi.json", "/asyncapi.json"):
        return
    if path not in PUBLIC:
        yield "401", "No key, or a wrong one.", _ASKS
        yield "403", "The key's role may not do this.", {}
    if operation.get("parameters"):
        yield "400", "A parameter can't be read.", {}
        yield "422", "A parameter is not what it should be; the errors name it.", {}
    if "{" in path or path == "/v1/webhooks/sendgrid":
        yield "404", "Nothing there that this key may see.", {}
    if method == "post":
        yield "400", "The body can't be read.", {}
        yield "413", "The body is too large.", {}
    yield "503", "A server that is needed does not answer; try again.", _RETRY_AFTER


def _problem() -> dict[str, Any]:
    return {"content": {CONTENT_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}}
