"""Who may call what: every endpoint there is, with every role and with none. A new endpoint must be entered here."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from typing import Any

import httpx
import pytest

from schemas.settings import Settings
from storage.access import keys
from storage.database import connect
from tests.web import served
from yinfeng.web.app import create_app

EVERYBODY = frozenset({"nobody", "viewer", "employer", "organizer"})
EVERY_KEY = EVERYBODY - {"nobody"}
WORKERS = frozenset({"employer", "organizer"})
ORGANIZER = frozenset({"organizer"})

ENDPOINTS: dict[tuple[str, str], frozenset[str]] = {
    ("POST", "/v1/events"): WORKERS,
    ("GET", "/v1/entry-key"): ORGANIZER,
    ("GET", "/v1/campaigns"): EVERY_KEY,
    ("GET", "/v1/campaigns/{campaign}"): WORKERS,
    ("GET", "/v1/campaigns/{campaign}/targets"): EVERY_KEY,
    ("GET", "/v1/campaigns/{campaign}/targets/{target}/counted"): frozenset({"employer", "organizer"}),
    ("GET", "/campaigns/{campaign}/targets/{target}"): frozenset({"organizer"}),
    ("GET", "/campaigns/{campaign}/by/{dimension}"): ORGANIZER,
    ("GET", "/campaigns/{campaign}/employers/{employer}"): WORKERS,
    ("GET", "/v1/campaigns/{campaign}/candidates/{candidate}"): WORKERS,
    ("GET", "/"): EVERY_KEY,
    ("GET", "/wall"): EVERY_KEY,
    ("GET", "/campaigns/{campaign}"): EVERY_KEY,
    ("GET", "/campaigns/{campaign}/facts"): ORGANIZER,
    ("GET", "/candidates/{campaign}/{candidate}"): WORKERS,
    ("GET", "/candidates/{campaign}/{candidate}/data"): ORGANIZER,
    ("GET", "/candidates/{campaign}/{candidate}/data.json"): ORGANIZER,
    ("GET", "/retention"): ORGANIZER,
    ("POST", "/retention/terms"): ORGANIZER,
    ("POST", "/retention/abroad"): ORGANIZER,
    ("GET", "/v1/targets/stream"): EVERY_KEY,
    ("GET", "/targets/stream"): EVERY_KEY,
    ("GET", "/v1/messages"): WORKERS,
    ("GET", "/v1/messages/{id}"): WORKERS,
    ("GET", "/metrics"): frozenset({"viewer", "organizer"}),
    ("GET", "/messages"): ORGANIZER,
    ("GET", "/messages/{id}"): ORGANIZER,
    ("GET", "/messages/{id}/html"): ORGANIZER,
    ("GET", "/messages/{id}/text"): ORGANIZER,
    ("GET", "/messages/{id}/attachments/{name}"): ORGANIZER,
    ("GET", "/mailbox/{id}/attachments/{name}"): ORGANIZER,
    ("POST", "/messages/{id}/resend"): ORGANIZER,
    ("GET", "/templates"): ORGANIZER,
    ("GET", "/templates/edit"): ORGANIZER,
    ("GET", "/templates/preview"): ORGANIZER,
    ("POST", "/templates/preview"): ORGANIZER,
    ("POST", "/templates/edit"): ORGANIZER,
    ("POST", "/templates/default"): ORGANIZER,
    ("POST", "/templates/test"): ORGANIZER,
    ("POST", "/templates/switch"): ORGANIZER,
    ("POST", "/tickets/{token}/check-in"): ORGANIZER,
    ("POST", "/tickets/{token}/undo"): ORGANIZER,
    ("POST", "/messages/{id}/cancel"): ORGANIZER,
    ("POST", "/messages/{id}/lift"): ORGANIZER,
    ("GET", "/campaigns/{campaign}/candidates"): WORKERS,
    ("POST", "/campaigns/{campaign}/candidates/views"): WORKERS,
    ("GET", "/campaigns/{campaign}/candidates/views/{view}"): WORKERS,
    ("POST", "/campaigns/{campaign}/candidates/views/{view}/remove"): WORKERS,
    ("POST", "/notes/{campaign}/{candidate}"): ORGANIZER,
    ("GET", "/campaigns/{campaign}/duplicates"): ORGANIZER,
    ("POST", "/campaigns/{campaign}/duplicates/apart"): ORGANIZER,
    ("GET", "/v1/campaigns/{campaign}/candidates"): WORKERS,
    ("GET", "/fairs/{campaign}/{fair}/poster.{format}"): ORGANIZER,
    ("GET", "/forms/{name}"): EVERY_KEY,  # none of this name: each form has roles of its own
    ("POST", "/forms/{name}"): EVERY_KEY,
    ("POST", "/forms/undo"): WORKERS,
    ("GET", "/accounts"): ORGANIZER,
    ("GET", "/accounts/audit"): ORGANIZER,
    ("POST", "/accounts/invite"): ORGANIZER,
    ("POST", "/accounts/{account}/link"): ORGANIZER,
    ("POST", "/accounts/{account}/disable"): ORGANIZER,
    ("POST", "/accounts/{account}/enable"): ORGANIZER,
    ("POST", "/accounts/keys"): ORGANIZER,
    ("POST", "/accounts/keys/{key}/revoke"): ORGANIZER,
    ("GET", "/walls"): ORGANIZER,
    ("POST", "/walls"): ORGANIZER,
    ("POST", "/walls/{wall}/revoke"): ORGANIZER,
    ("GET", "/mailbox"): ORGANIZER,
    ("GET", "/mailbox/{id}"): ORGANIZER,
    ("GET", "/mailbox/{id}/html"): ORGANIZER,
    ("GET", "/mailbox/{id}/text"): ORGANIZER,
}
"""What is not in here is public, or a page of its own rules."""

ONES_OWN = {
    ("GET", "/accounts/me"),
    ("POST", "/accounts/me/password"),
    ("POST", "/accounts/me/second-factor"),
    ("POST", "/accounts/me/sessions/end"),
}
"""For whoever is signed in with a browser: what they show and change is the caller's own."""

PUBLIC = {
    ("GET", "/healthz"),
    ("GET", "/readyz"),
    ("GET", "/openapi.json"),
    ("GET", "/asyncapi.json"),
    ("GET", "/login"),
    ("POST", "/login"),
    ("POST", "/login/code"),
    ("GET", "/login/forgotten"),
    ("POST", "/login/forgotten"),
    ("POST", "/logout"),
}
FORMS = {method_and_path for method_and_path in PUBLIC if method_and_path[0] == "POST"}
"""Open to all, but only as a form of our own page."""

SIGNING_UP = {
    ("GET", "/fairs/{campaign}/{fair}"),
    ("POST", "/fairs/{campaign}/{fair}"),
    ("GET", "/fairs/{campaign}/{fair}/calendar"),
    ("GET", "/campaigns/{campaign}/signup"),
    ("POST", "/campaigns/{campaign}/signup"),
    ("GET", "/lost"),
    ("POST", "/lost"),
}
"""Open to whoever comes; their form says itself what it lacks."""

SIGNED = {("POST", "/v1/webhooks/sendgrid")}
"""A signature is what they ask for, whatever the key; without the setting they aren't there."""

LINKED = {
    ("GET", "/wall/{token}"),
    ("GET", "/wall/{token}/stream"),
    ("GET", "/welcome/{token}"),
    ("POST", "/welcome/{token}"),
    ("GET", "/tickets/{token}"),
    ("GET", "/calendar/{token}"),
    ("GET", "/offers/{token}"),
    ("POST", "/offers/{token}"),
    ("GET", "/unsubscribe/{token}"),
    ("POST", "/unsubscribe/{token}"),
    ("POST", "/unsubscribe/{token}/preferences"),
    ("GET", "/offers/{token}/document"),
    ("GET", "/signup/{token}"),
    ("GET", "/address/{token}"),
    ("POST", "/address/{token}"),
    ("POST", "/signup/{token}"),
    ("GET", "/me/{token}"),
    ("GET", "/me/{token}/data"),
    ("GET", "/me/{token}/data.json"),
    ("GET", "/me/{token}/erase"),
    ("GET", "/me/{token}/keep"),
    ("POST", "/me/{token}/keep"),
    ("POST", "/me/{token}/hide"),
    ("POST", "/me/{token}/show"),
    ("POST", "/me/{token}/erase"),
    ("POST", "/me/{token}/sign-off"),
    ("POST", "/me/{token}/sign-up"),
    ("POST", "/me/{token}/consent"),
    ("POST", "/me/{token}/correct"),
}
"""A signed link from a mail is what they ask for, whatever the key."""

ASKING = ("/templates/edit", "/templates/preview")
FORM = {"campaign": "grads-2026", "kind": "offer", "locale": "en", "off": "true"}
SAMPLES = {
    "campaign": "grads-2026",
    "view": "v1",
    "candidate": "c1",
    "target": "t",
    "fair": "f1",
    "format": "png",
    "id": "1",
    "name": "fair.ics",
    "token": "none.such",
    "account": "a1",
    "key": "k1",
    "wall": "w1",
    "dimension": "school",
    "employer": "huayou",
}


def endpoints(routes: Iterable[Any]) -> Iterator[tuple[str, str]]:
    for route in routes:
        inner = getattr(route, "original_router", None)
        if inner is not None:
            yield from endpoints(inner.routes)
        elif getattr(route, "methods", None):
            yield from ((method, route.path.replace(":path", "")) for method in route.methods if method != "HEAD")


def test_every_endpoint_is_in_the_table():
    app = create_app(Settings(database_url="postgresql://none/none", kafka="127.0.0.1:1"))
    assert set(endpoints(app.routes)) == ENDPOINTS.keys() | ONES_OWN | PUBLIC | SIGNING_UP | SIGNED | LINKED


@pytest.fixture
def callers(database_url: str) -> Iterator[dict[str, httpx.Client]]:
    tokens = asyncio.run(make_keys(database_url))
    with served(database_url) as address:
        made = {
            role: httpx.Client(base_url=address, headers={"Authorization": f"Bearer {token}"} if token else {})
            for role, token in tokens.items()
        }
        yield made
        for client in made.values():
            client.close()


async def make_keys(database_url: str) -> dict[str, str | None]:
    async with await connect(database_url, name="test") as conn:
        return {
            "organizer": await keys.create(conn, name="o", role="organizer"),
            "employer": await keys.create(conn, name="e", role="employer", employer="huayou"),
            "viewer": await keys.create(conn, name="v", role="viewer"),
            "nobody": None,
        }


def status(client: httpx.Client, method: str, path: str) -> int:
    """The status alone: a stream never ends."""
    query = FORM if path in ASKING else None
    form = FORM if method == "POST" and path.startswith("/templates") else None
    with client.stream(method, path.format_map(SAMPLES), params=query, data=form) as answer:
        return answer.status_code


def test_each_role_may_call_what_the_table_says_and_nothing_else(callers: dict[str, httpx.Client]):
    for (method, path), allowed in ENDPOINTS.items():
        for role, client in callers.items():
            got = status(client, method, path)
            if role in allowed:
                assert got not in (401, 403), (role, method, path)
            else:
                assert got == (401 if role == "nobody" else 403), (role, method, path, got)


def test_what_is_public_needs_no_key(callers: dict[str, httpx.Client]):
    for method, path in PUBLIC - FORMS:
        assert status(callers["nobody"], method, path) in (200, 303), path


def test_forms_that_are_open_to_all_are_taken_from_our_own_pages_alone(callers: dict[str, httpx.Client]):
    for method, path in FORMS | {("POST", "/welcome/{token}")}:
        assert status(callers["nobody"], method, path) == 403, path


def test_what_is_one_s_own_is_shown_to_nobody_else(callers: dict[str, httpx.Client]):
    for method, path in ONES_OWN:
        assert status(callers["nobody"], method, path) == 401, path


def test_no_key_opens_what_a_signature_or_a_link_opens(callers: dict[str, httpx.Client]):
    for method, path in (SIGNED | LINKED) - {("POST", "/offers/{token}"), ("POST", "/welcome/{token}")}:
        assert {status(client, method, path) for client in callers.values()} == {404}


def test_whoever_comes_may_sign_up(callers: dict[str, httpx.Client]):
    for method, path in SIGNING_UP:
        assert status(callers["nobody"], method, path) in (200, 303, 404, 422), path
