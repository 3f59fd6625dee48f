"""The endpoints under `/v1/` that are no facts': what is read, what is told while it changes, what providers post."""

from __future__ import annotations

from time import time

from fastapi import FastAPI

from dashboard.campaign.api import make_router as campaigns_router
from dashboard.candidates.list_api import make_router as candidates_router
from dashboard.candidates.one_api import make_router as candidate_router
from dashboard.stream import make_router as stream_router
from dashboard.targets.counted_api import make_router as counted_router
from dashboard.targets.list_api import make_router as targets_router
from notifications.channels.sendgrid_webhook import make_router as webhooks_router
from notifications.pages.api import make_router as messages_router
from yinfeng.web.explaining import EXPLAINING
from yinfeng.web.shared import Shared


def add(app: FastAPI, shared: Shared) -> None:
    """Let the app answer them."""
    pool, authenticate = shared.pool, shared.authenticate
    app.include_router(stream_router(shared.hub, authenticate, shared.turnstile))
    app.include_router(campaigns_router(pool, authenticate))
    app.include_router(targets_router(pool, authenticate))
    app.include_router(counted_router(pool, authenticate, shared.tables, EXPLAINING, shared.clock))
    app.include_router(candidates_router(pool, authenticate, shared.tables, shared.page.text, shared.clock))
    app.include_router(candidate_router(pool, authenticate))
    app.include_router(messages_router(pool, authenticate))
    app.include_router(webhooks_router(pool, shared.settings.sendgrid_webhook_key, time))
