"""The connections below SendGrid's client: what can't have left us is told apart, and no redirect is followed."""

from __future__ import annotations

import json
import ssl
from http.client import HTTPConnection, HTTPResponse, HTTPSConnection
from typing import Any
from urllib.request import HTTPHandler, HTTPRedirectHandler, HTTPSHandler, OpenerDirector, Request, build_opener

from python_http_client.client import Client, Response


class NeverConnected(OSError):
    """No connection came about, so nothing was sent: no such host, refused, no answer, no trust."""


class Transport(Client):  # type: ignore[misc]
    """python_http_client's client for one address of `client`'s host, on connections of our own."""

    def __init__(self, client: Client, *path: str, timeout: float) -> None:
        super().__init__(client.host, client.request_headers, client._version, list(path), timeout=timeout)
        self._connections = build_opener(_Plain, _Secure(context=ssl.create_default_context()), _Staying)

    def post(self, request_body: Any) -> Response:
        """The client's own builds an opener with all of urllib's handlers for each request: a third of the time."""
        data = json.dumps(request_body).encode()
        headers = {**self.request_headers, "Content-Type": "application/json"}
        request = Request(self._build_url(None), data, headers, method="POST")  # noqa: S310 - the operator sets the host
        return Response(self._make_request(None, request))

    def _make_request(self, opener: OpenerDirector | None, request: Request, timeout: float | None = None) -> Any:
        return super()._make_request(self._connections, request, timeout)


class _Staying(HTTPRedirectHandler):
    """A redirect would be followed with the API key, to anywhere, and without the mail."""

    def redirect_request(self, *_: Any) -> None:
        return None


class _PlainConnection(HTTPConnection):
    def connect(self) -> None:
        try:
            super().connect()
        except OSError as error:
            raise NeverConnected(str(error)) from error


class _SecureConnection(HTTPSConnection):
    def connect(self) -> None:
        try:
            super().connect()
        except OSError as error:
            raise NeverConnected(str(error)) from error


class _Plain(HTTPHandler):
    def http_open(self, req: Request) -> HTTPResponse:
        return self.do_open(_PlainConnection, req)


class _Secure(HTTPSHandler):
    """One TLS context for all: reading the trusted certificates anew takes longer than sending a mail."""

    def https_open(self, req: Request) -> HTTPResponse:
        return self.do_open(_SecureConnection, req, context=self._context)  # type: ignore[attr-defined]
