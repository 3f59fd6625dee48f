"""Facts go straight to their endpoint: the frameworks' routing took more processor than all that a post needs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

Refuse = Callable[[Request, Exception], Awaitable[Response]]


class Straight:
    """Answers what one route is for, and leaves all else to the app. To be the innermost middleware: what the others
    see to, they see to for this too."""

    def __init__(self, app: ASGIApp, *, route: Route, refuse: Refuse) -> None:
        """`route` has a function for its endpoint; `refuse` answers an error, or raises it again."""
        self._app, self._route, self._refuse = app, route, refuse
        self._methods = route.methods or set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] != self._route.path or scope["method"] not in self._methods:
            await self._app(scope, receive, send)
            return
        scope["route"] = self._route
        request = Request(scope, receive)
        try:
            response: Response = await self._route.endpoint(request)
        except Exception as error:
            response = await self._refuse(request, error)
        await response(scope, receive, send)
