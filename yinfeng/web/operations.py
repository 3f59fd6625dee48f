"""What operators' programs ask, and the documents that tell other programs how to speak with this one."""

from __future__ import annotations

from typing import Any

from fastapi import Depends, FastAPI, Response

from schemas.access import Caller
from schemas.asyncapi import asyncapi
from schemas.errors import Unavailable
from storage.database import borrowed
from storage.overview import overview
from yinfeng.web import metrics, problems
from yinfeng.web.openapi import describe
from yinfeng.web.shared import Shared


def add(app: FastAPI, shared: Shared, title: str) -> None:
    """Let the app answer them."""
    _add_health(app, shared)
    _add_metrics(app, shared)
    _add_documents(app, title)


def _add_health(app: FastAPI, shared: Shared) -> None:
    @app.get("/healthz", tags=["operations"])
    async def healthz() -> dict[str, str]:
        """Whether this process lives."""
        return {"status": "ok"}

    @app.get("/readyz", tags=["operations"], response_model=None)
    async def readyz() -> dict[str, str] | Response:
        """Whether it can accept facts: the database answers. The broker may be away."""
        try:
            async with borrowed(shared.pool) as conn:
                await conn.execute("SELECT 1")
        except Unavailable:
            return problems.problem(503, "the database does not answer")
        return {"status": "ready"}


def _add_metrics(app: FastAPI, shared: Shared) -> None:
    @app.get("/metrics", tags=["operations"], response_class=Response)
    async def get_metrics(caller: Caller = Depends(shared.authenticate)) -> Response:
        """Metrics for Prometheus; needs a key of the role organizer or viewer. Where there are very many messages,
        their numbers are some minutes old."""
        caller.require("organizer", "viewer")
        async with borrowed(shared.pool) as conn:
            body = metrics.render(await overview(conn))
        return Response(body, media_type="text/plain; version=0.0.4")


def _add_documents(app: FastAPI, title: str) -> None:
    @app.get("/asyncapi.json", tags=["documents"])
    async def get_asyncapi() -> dict[str, Any]:
        """The Kafka topics and their messages, as AsyncAPI 3.0."""
        return asyncapi(title, app.version)

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = describe(app, title)
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]
