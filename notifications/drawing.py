"""How a room of notifications has its pages drawn, whoever draws them; mails in a frame on them, where they may run,
load and send nothing."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol

from fastapi import Request
from fastapi.responses import HTMLResponse

from schemas.messages import Attachment

FRAME_HEADERS: Final = {
    "Content-Security-Policy": "sandbox allow-popups; default-src 'none'; style-src 'unsafe-inline'; img-src data:;"
    " frame-ancestors 'self'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


class Page(Protocol):
    """Draws pages: in the language that the reader chose, else in the one `otherwise`."""

    def language(self, request: Request, otherwise: str | None = None) -> str: ...

    def __call__(
        self,
        request: Request,
        name: str,
        context: Mapping[str, Any] | None = None,
        status: int = 200,
        *,
        otherwise: str | None = None,
    ) -> HTMLResponse: ...


def with_images(html: str, files: Sequence[Attachment]) -> str:
    """The HTML with the images in it that it speaks of by their ids."""
    for each in files:
        if each.content_id is not None:
            data = f"data:{each.content_type};base64,{b64encode(each.data).decode()}"
            html = html.replace(f'src="cid:{each.content_id}"', f'src="{data}"')
    return html
