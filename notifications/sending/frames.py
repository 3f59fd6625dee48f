"""Mails shown in a frame on a page: they may run, load and send nothing."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from typing import Final

from schemas.messages import Attachment

FRAME_HEADERS: Final = {
    "Content-Security-Policy": "sandbox allow-popups; default-src 'none'; style-src 'unsafe-inline'; img-src data:;"
    " frame-ancestors 'self'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


def with_images(html: str, files: Sequence[Attachment]) -> str:
    """The HTML with the images in it that it speaks of by their ids."""
    for each in files:
        if each.content_id is not None:
            data = f"data:{each.content_type};base64,{b64encode(each.data).decode()}"
            html = html.replace(f'src="cid:{each.content_id}"', f'src="{data}"')
    return html
