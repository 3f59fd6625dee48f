"""Who may enter some campaigns alone is kept to them, whatever a page or an endpoint thinks of.

A table says how each route knows its campaign. What is not in it is shut to them: a parameter that a route does not
read says nothing of what the route is about.
"""

from __future__ import annotations

from typing import Final, Literal

from fastapi import Request

from schemas.access import Caller
from schemas.errors import Forbidden

# Where the campaign stands; `query or all`: without one the route leaves out by itself what is none of the caller's;
# `own`: it is about no campaign, or keeps the caller to its campaigns itself, once it knows which one it is about.
How = Literal["path", "query", "query or all", "own"]

ROUTES: Final[dict[tuple[str, str], How]] = {
    ("GET", "/"): "own",
    ("GET", "/wall"): "query or all",
    ("GET", "/campaigns/{campaign}"): "path",
    ("GET", "/campaigns/{campaign}/candidates"): "path",
    ("GET", "/campaigns/{campaign}/duplicates"): "path",
    ("POST", "/campaigns/{campaign}/duplicates/apart"): "path",
    ("GET", "/campaigns/{campaign}/by/{dimension}"): "path",
    ("GET", "/campaigns/{campaign}/employers/{employer:path}"): "path",
    ("POST", "/campaigns/{campaign}/candidates/views"): "path",
    ("GET", "/campaigns/{campaign}/candidates/views/{view}"): "path",
    ("POST", "/campaigns/{campaign}/candidates/views/{view}/remove"): "path",
    ("POST", "/notes/{campaign}/{candidate:path}"): "path",
    ("GET", "/campaigns/{campaign}/targets/{target}"): "path",
    ("GET", "/fairs/{campaign}/{fair}/poster.{format}"): "path",
    ("GET", "/campaigns/{campaign}/facts"): "path",
    ("GET", "/candidates/{campaign}/{candidate:path}"): "path",
    ("GET", "/candidates/{campaign}/{candidate:path}/data"): "path",
    ("GET", "/candidates/{campaign}/{candidate:path}/data.json"): "path",
    ("GET", "/retention"): "query or all",
    ("POST", "/retention/terms"): "query",
    ("POST", "/retention/abroad"): "query",
    ("GET", "/forms/{name}"): "query",
    ("POST", "/forms/{name}"): "query",
    ("POST", "/forms/undo"): "query",
    ("GET", "/messages"): "query",
    ("GET", "/mailbox"): "query",
    ("GET", "/v1/messages"): "query",
    ("GET", "/v1/campaigns"): "own",
    ("GET", "/v1/campaigns/{campaign}"): "path",
    ("GET", "/v1/campaigns/{campaign}/targets"): "path",
    ("GET", "/v1/campaigns/{campaign}/targets/{target}/counted"): "path",
    ("GET", "/v1/campaigns/{campaign}/candidates"): "path",
    ("GET", "/v1/campaigns/{campaign}/candidates/{candidate:path}"): "path",
    ("GET", "/v1/targets/stream"): "query or all",
    ("GET", "/targets/stream"): "query or all",
    ("POST", "/v1/events"): "own",
    ("GET", "/tickets/{token}"): "own",
    ("POST", "/tickets/{token}/check-in"): "own",
    ("POST", "/tickets/{token}/undo"): "own",
    ("GET", "/accounts/me"): "own",
    ("POST", "/accounts/me/password"): "own",
    ("POST", "/accounts/me/second-factor"): "own",
    ("POST", "/accounts/me/sessions/end"): "own",
}


def keep_to_campaigns(caller: Caller, request: Request) -> None:
    """Raises NotFound for a campaign that the caller may not enter, Forbidden for what is about all of them."""
    if caller.campaigns is None:
        return
    how = ROUTES.get((request.method, _route(request)))
    named = _named(request, how)
    for campaign in named:
        caller.require_campaign(campaign)
    if how is None or (how in ("path", "query") and not named):
        raise Forbidden(f"{caller.name} may enter some campaigns only; this is about all of them")


def _route(request: Request) -> str:
    """As the table has it. A route that isn't FastAPI's does not say its path; that of the request is the same, since
    none of those has parameters."""
    return str(getattr(request.scope.get("route"), "path", None) or request.scope["path"])


def _named(request: Request, how: How | None) -> list[str]:
    if how == "path":
        return [str(request.path_params["campaign"])]
    return request.query_params.getlist("campaign") if how in ("query", "query or all") else []
