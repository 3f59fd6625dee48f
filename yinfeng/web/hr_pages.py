"""The pages of those who sign in: campaigns, targets, candidates, forms, messages, walls."""

from __future__ import annotations

from fastapi import FastAPI

from dashboard.campaign.breakdown_page import make_router as breakdown_router
from dashboard.campaign.employer_page import make_router as employer_router
from dashboard.campaign.facts_page import make_router as facts_router
from dashboard.campaign.list_page import make_router as campaigns_router
from dashboard.campaign.one_page import make_router as campaign_router
from dashboard.candidates.duplicates_page import make_router as duplicates_router
from dashboard.candidates.list_page import make_router as candidates_router
from dashboard.candidates.one_page import make_router as candidate_router
from dashboard.forms.notice import make_counts
from dashboard.forms.pages import make_router as form_pages_router
from dashboard.forms.pages import make_show
from dashboard.live_sources import make_charting, make_employer_parts
from dashboard.page_stream import Sources
from dashboard.page_stream import make_router as page_stream_router
from dashboard.privacy.held_page import make_router as held_router
from dashboard.privacy.retention_page import Shelf
from dashboard.privacy.retention_page import make_router as retention_router
from dashboard.targets.one_page import make_router as target_router
from dashboard.walls.signed_in import make_router as wall_router
from notifications.authoring.pages import make_router as template_pages_router
from notifications.authoring.studio import Studio
from notifications.pages.messages import make_router as message_pages_router
from producers.forms.router import make_router as forms_router
from yinfeng.web.explaining import EXPLAINING
from yinfeng.web.shared import Shared


def add(app: FastAPI, shared: Shared) -> None:
    """Let the app show them."""
    _add_privacy(app, shared)  # before candidates, whose ids may have slashes
    _add_progress(app, shared)
    _add_candidates(app, shared)
    _add_forms(app, shared)
    _add_messages(app, shared)


def _add_privacy(app: FastAPI, shared: Shared) -> None:
    """How long people are kept, and what is held about one."""
    shelf = Shelf(shared.pool, shared.page, shared.clock, shared.settings.channels)
    app.include_router(retention_router(shelf, shared.authenticate))
    app.include_router(held_router(shelf, shared.authenticate))


def _add_progress(app: FastAPI, shared: Shared) -> None:
    """Campaigns and targets, and what open pages are told of them."""
    pool, hub, authenticate, page, clock = shared.pool, shared.hub, shared.authenticate, shared.page, shared.clock
    sources = Sources(hub, make_charting(pool, hub, clock), make_employer_parts(pool, hub), make_counts(pool))
    app.include_router(page_stream_router(sources, authenticate, shared.turnstile, fragment=page.fragment))
    for router in (campaigns_router, wall_router, campaign_router):
        app.include_router(router(pool, hub, authenticate, page, clock))
    app.include_router(breakdown_router(pool, authenticate, page))
    app.include_router(facts_router(pool, authenticate, page))
    app.include_router(employer_router(pool, hub, authenticate, page, explaining=EXPLAINING, clock=clock))
    app.include_router(target_router(pool, hub, authenticate, page, explaining=EXPLAINING, clock=clock))


def _add_candidates(app: FastAPI, shared: Shared) -> None:
    pool, authenticate, page = shared.pool, shared.authenticate, shared.page
    app.include_router(candidates_router(pool, authenticate, page, page.text, shared.clock))
    app.include_router(duplicates_router(pool, authenticate, page))
    app.include_router(candidate_router(pool, authenticate, page, shared.clock))


def _add_forms(app: FastAPI, shared: Shared) -> None:
    show = make_show(shared.pool, shared.page, EXPLAINING, shared.clock)
    app.include_router(form_pages_router(shared.pool, shared.authenticate, shared.page, show))
    app.include_router(forms_router(shared.pool, shared.authenticate, show))


def _add_messages(app: FastAPI, shared: Shared) -> None:
    app.include_router(message_pages_router(shared.pool, shared.authenticate, shared.page))
    studio = Studio(shared.pool, shared.writer, shared.clock)
    app.include_router(template_pages_router(studio, shared.authenticate, shared.page))
