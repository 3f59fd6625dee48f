"""What the pages of templates do: gallery, editor, preview, tests, versions."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import date, datetime
from html import escape
from typing import Annotated, Any, Final
from uuid import uuid4

from psycopg_pool import AsyncConnectionPool
from pydantic import BaseModel, ConfigDict, Field

from notifications.authoring.trying import Workbench, trial, troubles
from notifications.drawing import with_images
from notifications.sending.rendering import LOCALES, Renderer
from notifications.sending.samples import sample
from notifications.sending.signed_links import load as load_links
from notifications.sending.situation import Writer
from notifications.sending.template_checking import names
from notifications.sending.template_parts import MOST, default_parts
from schemas.errors import FieldError, NotFound
from schemas.fields import is_email
from schemas.kinds import AUDIENCES, MARKETING, TEMPLATED
from schemas.messages import TEMPLATE_TEST, MessageRequest, Parts, dedupe_key
from storage.campaigns import reads
from storage.database import Conn
from storage.messages import asking, claiming, templates
from storage.messages.templates import TemplateKey

Row = dict[str, Any]

CAMPAIGNS: Final = 200
_NO_NUL: Final = r"^[^\x00]*$"  # which the database has no room for
_ANY_LENGTH: Final = 100_000  # what is too long is said beside its field


class Draft(BaseModel):
    """What an author has before him: a campaign's template, as it was sent by the form. `after`: the version that it
    began with."""

    model_config = ConfigDict(frozen=True)

    campaign: Annotated[str, Field(max_length=200, pattern=_NO_NUL)]
    kind: Annotated[str, Field(max_length=100, pattern=_NO_NUL)]
    locale: Annotated[str, Field(max_length=20, pattern=_NO_NUL)]
    subject: Annotated[str, Field(max_length=_ANY_LENGTH, pattern=_NO_NUL)] = ""
    content: Annotated[str, Field(max_length=_ANY_LENGTH, pattern=_NO_NUL)] = ""
    footer: Annotated[str, Field(max_length=_ANY_LENGTH, pattern=_NO_NUL)] = ""
    candidate: Annotated[str, Field(max_length=200, pattern=_NO_NUL)] = ""
    to: Annotated[str, Field(max_length=320, pattern=_NO_NUL)] = ""
    after: Annotated[str, Field(max_length=20, pattern=_NO_NUL)] = ""

    @property
    def key(self) -> TemplateKey:
        return (self.campaign, self.kind, self.locale)

    @property
    def parts(self) -> Parts:
        return Parts(*(text.replace("\r\n", "\n") for text in (self.subject, self.content, self.footer)))


class Studio:
    """What the pages of templates do. Tests go to HR unless another address is given."""

    def __init__(self, pool: AsyncConnectionPool[Conn], writer: Writer, clock: Callable[[], datetime]) -> None:
        self.pool, self.hr_email = pool, writer.hr_email
        self._writer, self._clock = writer, clock
        self._renderer: Renderer | None = None

    async def workbench(self, conn: Conn) -> Workbench:
        """Compiling every template takes a moment, which the first author waits for and no other caller."""
        if self._renderer is None:
            self._renderer = await asyncio.to_thread(Renderer)
        return Workbench(self._writer, await load_links(conn, self._writer.base_url), self._renderer)

    async def gallery(self, conn: Conn, name: str | None) -> Row:
        """Every kind, in the campaign of this name or the one that begins last."""
        campaigns = await reads.campaigns(conn, limit=CAMPAIGNS)
        known = {row["campaign"]: row for row in campaigns}
        if name is not None and name not in known:
            known[name] = await campaign_row(conn, name)
        about = known[name] if name else max(campaigns, key=_begins, default=None)
        if about is None:
            return {"about": None, "campaigns": []}
        own = await templates.latest(conn, [about["campaign"]])
        return {
            "about": about,
            "campaigns": list(known.values()),
            "off": {kind for _, kind in await templates.off(conn, [about["campaign"]])},
            "own": {(kind, locale): version for (_, kind, locale), version in own.items()},
            "groups": [(reader, [kind for kind in TEMPLATED if AUDIENCES[kind] == reader]) for reader in _READERS],
            "locales": LOCALES,
        }

    async def editor(self, conn: Conn, key: TemplateKey, shown: Parts | None = None) -> Row:
        """A template to be edited: the draft `shown`, else the one that counts."""
        about, versions = await campaign_row(conn, key[0]), await templates.history(conn, key)
        current = versions[0] if versions else None
        default = default_parts(key[1], key[2])
        workbench = await self.workbench(conn)
        made = sample(key[1], key[2], about, sender=workbench.sender, links=workbench.links, now=self._clock())
        return {
            "about": about,
            "kind": key[1],
            "locale": key[2],
            "parts": shown or (current.parts if current else None) or default,
            "is_own": bool(current and current.parts),
            "after": current.id if current else "",
            "versions": versions,
            "variables": [(name, _shown(made.values, name)) for name in names(made.values)],
            "marketing": key[1] in MARKETING,
            "to_hr": AUDIENCES[key[1]] == "hr",
            "most": MOST,
            "errors": [],
            "to": self.hr_email or "",
            "candidate": "",
            "saved": False,
            "tested": None,
        }

    async def faults(self, conn: Conn, draft: Draft) -> list[FieldError]:
        """What is wrong with a draft."""
        workbench, about = await self.workbench(conn), await campaign_row(conn, draft.campaign)
        made = sample(
            draft.kind, draft.locale, about, sender=workbench.sender, links=workbench.links, now=self._clock()
        )
        return await asyncio.to_thread(troubles, workbench, draft.kind, draft.locale, draft.parts, made.values)

    async def preview(self, conn: Conn, key: TemplateKey, parts: Parts | None, candidate: str | None) -> str:
        """A page for a frame: the mail, its subject above it, whose data it has, and its text below. Raises SendRefused
        when the template can't be filled with that."""
        campaign, kind, locale = key
        about, workbench = await campaign_row(conn, campaign), await self.workbench(conn)
        if parts is None:
            version = (await templates.latest(conn, [campaign])).get(key)
            parts = version.parts if version else None
        tried = await trial(conn, workbench, about, kind, locale, candidate=candidate, now=self._clock())
        mail = await asyncio.to_thread(workbench.renderer.render, kind, locale, tried.letter.values, parts)
        head = f"<b>{escape(mail.subject)}</b><br><small>{escape(tried.letter.to_name)}"
        head += f" · #{tried.message}" if tried.message else ""
        head += f" · {escape(tried.why_not)}" if tried.why_not else ""
        top = f'<div style="{_BAR}">{head}</small></div>'
        below = f'<pre style="{_BAR}white-space:pre-wrap;">{escape(mail.text)}</pre>'
        html = with_images(mail.html, tried.letter.attachments)
        opening, body, rest = html.partition('class="page" style="margin:0;padding:0;background:#f3f1ec;">')
        return opening + body + top + rest.replace("</body>", f"{below}</body>")

    async def test(self, conn: Conn, draft: Draft, by: str) -> list[FieldError]:
        """Send a test of a draft, unless something is wrong with it or with the address: that is returned."""
        to = draft.to.strip()
        wrong = [] if is_email(to) else [FieldError("to", "is no e-mail address such as li@example.com")]
        if found := wrong + await self.faults(conn, draft):
            return found
        parts = {"subject": draft.parts.subject, "content": draft.parts.content, "footer": draft.parts.footer}
        params = {"of": draft.kind, "locale": draft.locale, "to": to, "parts": parts, "by": by}
        key = dedupe_key(TEMPLATE_TEST, draft.campaign, None, [uuid4().hex])
        await asking.request(conn, [MessageRequest(TEMPLATE_TEST, key, draft.campaign, None, params)])
        return []

    async def save(self, conn: Conn, draft: Draft, by: str) -> list[FieldError]:
        """Keep a draft, unless something is wrong with it: that is returned."""
        found = await self.faults(conn, draft)
        if not found:
            await self._keep(conn, draft, draft.parts, by)
        return found

    async def back_to_default(self, conn: Conn, draft: Draft, by: str) -> None:
        """The template that Yinfeng brings counts again. Raises Conflict."""
        await campaign_row(conn, draft.campaign)
        await self._keep(conn, draft, None, by)

    async def _keep(self, conn: Conn, draft: Draft, parts: Parts | None, by: str) -> None:
        """Keep a version, and let go what an earlier one held up. Raises Conflict."""
        after = int(draft.after) if draft.after.isdecimal() else None
        await templates.save(conn, draft.key, parts, by=by, after=after)
        await claiming.free_unwritten(conn, "its template was changed", campaign=draft.campaign, kind=draft.kind)


async def campaign_row(conn: Conn, name: str) -> Row:
    """Raises NotFound."""
    found = await reads.campaign(conn, name) if "\0" not in name else None
    if found is None:
        raise NotFound("there is no such campaign; /templates lists those that there are")
    return found


def _begins(campaign: Row) -> tuple[date, str]:
    return (campaign["starts_on"] or date.min, campaign["campaign"])


def _shown(values: Any, path: str) -> str:
    """An example of what stands under this name, as people write it."""
    for name in path.split("."):
        values = values[name]
    return _in_words(values)[:_MOST_SHOWN]


def _in_words(value: Any) -> str:
    if isinstance(value, Mapping):
        return "; ".join(f"{name}: {_in_words(each)}" for name, each in value.items())
    if isinstance(value, (list, tuple)):
        return ("; " if any(isinstance(each, (list, tuple)) for each in value) else ": ").join(map(_in_words, value))
    return str(value)


_MOST_SHOWN: Final = 120  # characters
_READERS: Final = ("candidate", "employer", "hr")
_BAR: Final = (
    "font:14px/1.5 system-ui,sans-serif;padding:10px 16px;margin:0;background:Canvas;color:CanvasText;"
    "overflow-wrap:anywhere;"
)
