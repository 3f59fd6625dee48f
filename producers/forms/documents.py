"""A PDF that was put in with a form: looked at, and kept beside the facts that name it."""

from __future__ import annotations

from typing import Final

from fastapi import Request
from starlette.datastructures import UploadFile

from producers.forms.sent import SentForm, Wrong
from schemas.access import Caller
from storage.database import Conn
from storage.journeys import documents

MOST_BYTES: Final = 5 * 1024 * 1024
MOST_OF_EMPLOYER: Final = 200 * 1024 * 1024  # bytes that one employer's key or account may keep in a campaign
_BEGINS: Final = b"%PDF-"
_ENDS: Final = b"%%EOF"
_TAIL: Final = 2048  # bytes at whose end a PDF says that it ends
# What does something by itself when it is opened.
_ACTIVE: Final = (b"/JavaScript", b"/JS", b"/Launch", b"/EmbeddedFile", b"/RichMedia", b"/XFA")


async def was_put_in(request: Request, field: str) -> bool:
    """Whether a file was put into this field."""
    given = (await request.form()).get(field)
    return isinstance(given, UploadFile) and bool(given.size)


async def uploaded(request: Request, field: str) -> bytes | None:
    """What was put into this field; None where nothing was. Raises Wrong for what is no PDF to be handed on."""
    given = (await request.form()).get(field)
    if not isinstance(given, UploadFile) or not given.size:
        return None
    if given.size > MOST_BYTES:
        raise Wrong(field, "form.bad.file_large")
    data = await given.read()
    if not data.startswith(_BEGINS) or _ENDS not in data[-_TAIL:]:
        raise Wrong(field, "form.bad.file")
    if any(word in data for word in _ACTIVE):
        raise Wrong(field, "form.bad.file_active")
    return data


async def require_room(conn: Conn, caller: Caller, campaign: str, file: bytes) -> None:
    """Raises Wrong where an employer keeps so much already."""
    if caller.role == "employer":
        kept = await documents.kept_bytes(conn, campaign, caller.poster)
        if kept + len(file) > MOST_OF_EMPLOYER:
            raise Wrong("document", "form.bad.file_quota")


def name_of(sent: SentForm) -> str:
    """What the document of a form is called: the same form sent twice has one."""
    return f"d-{sent.token}"
