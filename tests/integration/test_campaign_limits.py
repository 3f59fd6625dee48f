"""Accounts that may enter some campaigns alone: no address that they think of leads them out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, Final

import httpx
import pytest
from fastapi.routing import iter_route_contexts

from storage.access import sessions
from tests.access import COOKIE, csrf, person
from tests.facts import CAMPAIGN, event, opened, signed_up
from tests.integration.office import Office

OTHER: Final = "another-2026"
WHO: Final[dict[str, dict[str, Any]]] = {
    "organizer": {"role": "organizer"},
    "employer": {"role": "employer", "employer": "huayou"},
    "viewer": {"role": "viewer"},
}
# Who calls is not asked, or says so by the link or the signature that the request has.
FOR_ANYBODY: Final = (
    *("/openapi.json", "/asyncapi.json", "/healthz", "/readyz", "/static", "/login", "/logout", "/welcome/"),
    *("/offers/", "/calendar/", "/unsubscribe/", "/v1/webhooks/", "/signup/", "/me/", "/address/", "/lost", "/wall/"),
)
SIGNING_UP: Final = {"/fairs/{campaign}/{fair}", "/fairs/{campaign}/{fair}/calendar", "/campaigns/{campaign}/signup"}
# About no campaign, or the route itself leaves out what is none of the caller's.
THEIRS: Final = {
    *(
        "GET /",
        "GET /wall",
        "GET /retention",
        "GET /v1/campaigns",
        "GET /v1/targets/stream",
        "GET /targets/stream",
        "POST /v1/events",
        "GET /accounts/me",
    ),
    *("POST /accounts/me/password", "POST /accounts/me/second-factor", "POST /accounts/me/sessions/end"),
}
BY_QUERY: Final = {
    *(
        "GET /wall",
        "GET /v1/targets/stream",
        "GET /targets/stream",
        "GET /messages",
        "GET /mailbox",
        "GET /v1/messages",
    ),
    *("GET /forms/{name}", "POST /forms/{name}", "POST /forms/undo"),
    *("GET /retention", "POST /retention/terms", "POST /retention/abroad"),
}
# The link says which campaign it is about; only when it is open it is known whether the caller may enter that.
BY_LINK: Final = "/tickets/"


async def limited(app: Any, office: Office, role: str, campaign: str = CAMPAIGN) -> httpx.AsyncClient:
    """A browser of somebody who may enter one campaign."""
    async with office.pool.connection() as conn:
        made = await person(conn, f"{role}-{campaign}@example.com", campaigns=[campaign], **WHO[role])
        token = await sessions.start(conn, account=made, ip="127.0.0.1", agent="tests")
    http = httpx.AsyncClient(
        transport=httpx.ASGITransport(app),
        base_url="http://test",
        cookies={COOKIE: token},
        headers={"accept": "text/html"},
    )
    http.headers["x-csrf-token"] = csrf((await http.get("/accounts/me")).text)
    return http


async def a_mail_of_the_other(office: Office) -> str:
    """The ticket of a candidate of the other campaign, whose mail went out as message 1."""
    start = office.clock().replace(microsecond=0) + timedelta(hours=1)
    times = {"starts_at": start.isoformat(), "ends_at": (start + timedelta(hours=7)).isoformat()}
    fair = event("fair.scheduled", fair="f1", title="Fair", mode="onsite", city="武汉", campaign=OTHER, **times)
    secret = signed_up("c1", fair="f1", email="c1@example.com", locale="en", campaign=OTHER, id="s1")
    await office.tell(opened(), opened(campaign=OTHER, id="o2"), fair, secret)
    await office.sender().send_all()
    [(text,)] = await office.rows("SELECT text FROM mails WHERE message = 1")
    found = re.search(r"https://park\.example(/tickets/\S+)", text)
    assert found
    return found[1]


def routes(app: Any) -> Iterator[tuple[str, str]]:
    """Every method and address, as the routes have them."""
    for route in iter_route_contexts(app.routes):
        for method in sorted((route.methods or {"GET"}) - {"HEAD"}):
            yield method, route.path


def about_the_other(path: str, ticket: str) -> str:
    """The address that asks a route for what is the other campaign's."""
    values = {"campaign": OTHER, "id": "1", "name": "offer", "candidate": "c1", "token": ticket.rpartition("/")[2]}
    return re.sub(r"\{(\w+)(:\w+)?\}", lambda found: values.get(found[1], "x"), path)


@pytest.mark.parametrize("role", WHO)
async def test_a_campaign_that_one_may_enter_opens_no_route_that_does_not_read_it(app: Any, office: Office, role: str):
    ticket = await a_mail_of_the_other(office)
    http = await limited(app, office, role)
    walked = 0
    for method, path in routes(app):
        if path.startswith(FOR_ANYBODY) or path in SIGNING_UP or (method == "GET" and path.startswith(BY_LINK)):
            continue
        if f"{method} {path}" in THEIRS | BY_QUERY:
            continue
        answer = await http.request(method, about_the_other(path, ticket), params={"campaign": CAMPAIGN})
        hidden = 404 if "{campaign}" in path or (path.startswith(BY_LINK) and role == "organizer") else 403
        assert (method, path, answer.status_code) == (method, path, hidden)
        walked += 1
    assert walked > 30
    assert await office.statuses() == {"sent": 1}


@pytest.mark.parametrize("role", WHO)
async def test_what_reads_the_campaign_of_the_query_is_shut_for_the_others(app: Any, office: Office, role: str):
    http = await limited(app, office, role)
    for each in BY_QUERY:
        method, path = each.split()
        at = about_the_other(path, "x")
        assert (await http.request(method, at, params={"campaign": OTHER})).status_code == 404, each
        if each not in THEIRS:
            assert (await http.request(method, at)).status_code == 403, each


async def test_a_host_that_looks_like_a_path_opens_nothing(app: Any, office: Office):
    http = await limited(app, office, "organizer")
    for host in ("test/wall?", "test/accounts/me#", "test/?"):
        assert (await http.get("/metrics", headers={"host": host})).status_code == 403, host


async def test_a_ticket_is_checked_in_by_who_may_enter_its_campaign(app: Any, office: Office):
    path = await a_mail_of_the_other(office)
    stranger, own = [await limited(app, office, "organizer", campaign) for campaign in (CAMPAIGN, OTHER)]
    seen = await stranger.get(path, params={"lang": "en", "campaign": CAMPAIGN})
    assert (seen.status_code, "Name c1" in seen.text, "/check-in" in seen.text) == (200, True, False)
    for action in ("check-in", "undo"):
        assert (await stranger.post(f"{path}/{action}")).status_code == 404
    assert "/check-in" in (await own.get(path)).text
    assert (await own.post(f"{path}/check-in")).status_code == 303
    assert await office.rows("SELECT type FROM facts WHERE source = '/tickets'") == [("candidate.checked_in",)]
