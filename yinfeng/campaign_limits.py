"""Who may enter some campaigns alone is kept to them, whatever a page or an endpoint thinks of."""

from __future__ import annotations

from typing import Final

from fastapi import Request

from schemas.access import Caller
from schemas.errors import Forbidden

# These are about no campaign, or leave out by themselves what is none of the caller's.
FOR_ALL: Final = frozenset({"/", "/wall", "/v1/campaigns", "/v1/events", "/v1/targets/stream"})
OF_ONES_OWN: Final = "/accounts/me"


def keep_to_campaigns(caller: Caller, request: Request) -> None:
    """Raises NotFound for a campaign that the caller may not enter, Forbidden for what is about all of them."""
    if caller.campaigns is None:
        return
    named = [*request.query_params.getlist("campaign"), *_in_path(request)]
    for campaign in named:
        caller.require_campaign(campaign)
    path = request.url.path
    if not named and path not in FOR_ALL and not path.startswith(OF_ONES_OWN):
        raise Forbidden(f"{caller.name} may enter some campaigns only; this is about all of them")


def _in_path(request: Request) -> list[str]:
    found = request.path_params.get("campaign")
    return [] if found is None else [str(found)]
