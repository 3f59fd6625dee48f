"""What SendGrid's v3 Mail Send refuses, by rules of our own writing: each breach with the status of its answer."""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

import jsonschema_rs
import msgspec
from jsonschema import Draft4Validator

MAX_BODY: Final = 30 * 1024 * 1024
MAX_PERSONALIZATIONS: Final = 1000
MAX_RECIPIENTS: Final = 1000
MAX_CUSTOM_ARGS: Final = 10_000
MAX_SUBSTITUTIONS: Final = 10_000
MAX_AHEAD: Final = 72 * 3600
_REFERENCE: Final = Path(__file__).parents[3] / "shared" / "reference"
SCHEMA: Final = Path(
    os.environ.get("YINFENG_SENDGRID_SCHEMA") or _REFERENCE / "sendgrid" / "mail_send.request.schema.json"
)
RESERVED: Final = frozenset(
    {
        *("x-sg-id", "x-sg-eid", "received", "dkim-signature", "content-type", "content-transfer-encoding"),
        *("to", "from", "subject", "reply-to", "cc", "bcc"),
    }
)
_ADDRESS: Final = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")

Breach = tuple[int, str]  # status, message


def breaches(key: str, headers: Mapping[str, str], body: bytes) -> list[Breach]:
    """Everything that is wrong with a request, the first of which it is answered with. `headers` in lower case."""
    if headers.get("authorization") != f"Bearer {key}":
        return [(401, "The provided authorization grant is invalid, expired, or revoked")]
    if headers.get("content-type", "").split(";")[0] != "application/json":
        return [(415, "Content-Type should be application/json.")]
    if len(body) > MAX_BODY:
        return [(413, "The request is too large")]
    try:
        mail = msgspec.json.decode(body)
    except ValueError:
        return [(400, "Bad Request")]
    if not isinstance(mail, dict):
        return [(400, "Bad Request")]
    return [(400, message) for message in _of_mail(mail)]


def _of_mail(mail: dict[str, Any]) -> Iterator[str]:
    parts = mail.get("personalizations") or []
    if not parts:
        yield "personalizations: at least one is required"
    if len(parts) > MAX_PERSONALIZATIONS:
        yield f"personalizations: at most {MAX_PERSONALIZATIONS}"
    yield from _of_sender_and_text(mail, parts)
    yield from _of_recipients(parts)
    for part in [mail, *parts]:
        yield from _of_extras(part)
    yield from (f"schema: {error.json_path}: {error.message}" for error in _schema_errors(mail))


def _of_sender_and_text(mail: dict[str, Any], parts: list[dict[str, Any]]) -> Iterator[str]:
    if not _ADDRESS.fullmatch((mail.get("from") or {}).get("email", "")):
        yield "from: an address is required"
    if not mail.get("subject") and not all(part.get("subject") for part in parts):
        yield "subject: required"
    contents = mail.get("content") or []
    if not contents or not all(each.get("type") and each.get("value") for each in contents):
        yield "content: at least one, each with a type and a value"
    types = [each.get("type") for each in contents]
    if types != sorted(types, key=lambda kind: {"text/plain": 0, "text/html": 1}.get(kind, 2)):
        yield "content: text/plain comes first, then text/html"


def _of_recipients(parts: list[dict[str, Any]]) -> Iterator[str]:
    total = 0
    everybody = [person.get("email", "").lower() for part in parts for person in part.get("to") or []]
    if len(set(everybody)) < len(everybody):
        yield "personalizations: each address must be unique in a request"
    for part in parts:
        people = [person for field in ("to", "cc", "bcc") for person in part.get(field) or []]
        addresses = [person.get("email", "").lower() for person in people]
        total += len(addresses)
        if not part.get("to"):
            yield "personalizations.to: at least one address is required"
        if not all(map(_ADDRESS.fullmatch, addresses)):
            yield "personalizations: does not contain a valid address"
        if len(set(addresses)) < len(addresses):
            yield "personalizations: each address must be unique"
    if total > MAX_RECIPIENTS:
        yield f"personalizations: at most {MAX_RECIPIENTS} recipients in all"


def _of_extras(part: dict[str, Any]) -> Iterator[str]:
    arguments = part.get("custom_args") or {}
    if not isinstance(arguments, dict) or not all(isinstance(value, str) for value in arguments.values()):
        yield "custom_args: values must be strings"
    if len(json.dumps(arguments).encode()) > MAX_CUSTOM_ARGS:
        yield f"custom_args: at most {MAX_CUSTOM_ARGS} bytes"
    substitutions = part.get("substitutions") or {}
    if not all(isinstance(value, str) for value in substitutions.values()):
        yield "substitutions: values must be strings"
    if len(json.dumps(substitutions).encode()) > MAX_SUBSTITUTIONS:
        yield f"substitutions: at most {MAX_SUBSTITUTIONS} bytes"
    categories = part.get("categories") or []
    if len(categories) > 10 or len(set(categories)) < len(categories) or any(len(name) > 255 for name in categories):
        yield "categories: at most 10 different ones of 255 characters"
    if reserved := sorted(name for name in part.get("headers") or {} if name.lower() in RESERVED):
        yield f"headers: {', '.join(reserved)} can't be set"
    send_at = part.get("send_at", 0)
    if not isinstance(send_at, int) or send_at > time.time() + MAX_AHEAD:
        yield "send_at: at most 72 hours ahead"


def _schema_errors(mail: dict[str, Any]) -> list[Any]:
    schema = _schema()
    if schema is None or _quick().is_valid(mail):
        return []
    return list(Draft4Validator(schema).iter_errors(mail))


@cache
def _quick() -> jsonschema_rs.Draft4Validator:
    return jsonschema_rs.Draft4Validator(_schema() or {}, validate_formats=False)


@cache
def _schema() -> dict[str, Any] | None:
    """The provider's own schema, on machines that have it."""
    return json.loads(SCHEMA.read_text()) if SCHEMA.exists() else None
