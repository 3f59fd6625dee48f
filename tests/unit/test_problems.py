"""What the log says of requests that failed."""

from __future__ import annotations

import logging

import httpx
import pytest
from fastapi import FastAPI
from starlette.types import Receive, Scope, Send

from dashboard.access.cookies import Cookies
from schemas.errors import Unavailable
from yinfeng.web import problems
from yinfeng.web.pages import make_page


@pytest.mark.parametrize(
    ("path", "named"),
    [
        ("/welcome/hidden", "/welcome/{token}"),
        ("/broken/hidden", "/broken/{token}"),
        ("/away/hidden", "/away/…"),
        ("/a%20b/hidden", "/a%20b/…"),
    ],
)
async def test_the_log_has_no_token_of_a_link(path: str, named: str, caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.INFO, "yinfeng.web.problems")
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(_app(), raise_app_exceptions=False), base_url="http://test"
    ) as http:
        assert (await http.get(path)).status_code in (500, 503)
    (said,) = [each.getMessage() for each in caplog.records if each.name == "yinfeng.web.problems"]
    assert f"GET {named}" in said
    assert "hidden" not in said


def _app() -> FastAPI:
    app = FastAPI()
    problems.install(app, make_page(Cookies(secure=False)))

    @app.get("/welcome/{token}")
    async def welcome(token: str) -> None:
        raise Unavailable("the database is away")

    @app.get("/broken/{token}")
    async def broken(token: str) -> None:
        raise ValueError

    async def away(scope: Scope, receive: Receive, send: Send) -> None:
        raise Unavailable("the database is away")

    app.mount("/", away)  # no route of its own
    return app
