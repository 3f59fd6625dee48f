"""Pages of every part, drawn one way: one Jinja2 environment, one set of texts, the same headers.

A part brings templates that extend `base.html` and texts by language; its router is given the renderer.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from importlib import resources
from importlib.metadata import version
from pathlib import Path
from pickle import UnpicklingError
from typing import Any, Final

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemBytecodeCache, FileSystemLoader, StrictUndefined, select_autoescape
from jinja2.bccache import Bucket
from jinja2.ext import Extension

from dashboard.access.cookies import FIELD, Cookies
from dashboard.formats import Formats, rounded
from dashboard.languages import LANG_COOKIE, Lang, language
from schemas.texts import Texts, own_names, texts_of

SECURITY_HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none';"
        " form-action 'self'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
    "Vary": "Accept-Language, Cookie",
}
_YEAR: Final = 365 * 24 * 3600
JINJA: Final = version("jinja2")  # another one may write other code for the same template
_FORMS: Final = re.compile(r"<form\b(?:\{\{.*?\}\}|\{%.*?%\}|[^>{])*>", re.DOTALL)
_BY_POST: Final = re.compile(r"\bmethod=[\"']post[\"']", re.IGNORECASE)
_OWN_WORD: Final = f'{{% if csrf %}}<input type="hidden" name="{FIELD}" value="{{{{ csrf }}}}">{{% endif %}}'


class OwnForms(Extension):
    """Every form that posts carries the word that it was drawn here for this browser, so that none can forget it."""

    def preprocess(self, source: str, name: str | None, filename: str | None = None) -> str:
        """The template with that field in its forms."""
        return _with_own_word(source)


class CompiledPages(FileSystemBytecodeCache):
    """Templates as they were compiled, kept for the next process: to compile a page's takes many times what drawing it
    does, and the first reader waited for it. A disk that is full, or may not be written, keeps none."""

    def get_source_checksum(self, source: str) -> str:
        """Of all that was compiled, and of what compiled it."""
        return super().get_source_checksum(f"{JINJA}\n{_with_own_word(source)}")

    def load_bytecode(self, bucket: Bucket) -> None:
        """What was kept, where it can be read: it may be cut off, where the power went as it was written."""
        try:
            super().load_bytecode(bucket)
        except (OSError, EOFError, ValueError, UnpicklingError):
            bucket.reset()

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep it, for the eyes of this user alone."""
        with suppress(OSError):
            Path(self.directory).mkdir(parents=True, exist_ok=True, mode=0o700)
            super().dump_bytecode(bucket)


def _with_own_word(source: str) -> str:
    return _FORMS.sub(lambda found: found[0] + (_OWN_WORD if _BY_POST.search(found[0]) else ""), source)


class Pages:
    """Draws pages. Every template also has:

    `t(key, **values)`: a text in the reader's language, `t(key, count, **values)` one that has plural forms;
    `label(key, otherwise)`: the same where there may be none;
    `f`: numbers and dates in it (dashboard.formats); `lang`; `languages`: what each calls itself; `caller` (None when
    nobody is logged in); `path`; `link(lang=…)`: the address of this page, changed; `csrf`: what forms carry (they do
    so by themselves).
    """

    def __init__(self, environment: Environment, texts: Texts, cookies: Cookies) -> None:
        self._environment, self._texts, self._cookies = environment, texts, cookies

    def language(self, request: Request, otherwise: str | None = None) -> Lang:
        """The language that a page for this request is in (see dashboard.languages)."""
        return language(request, otherwise)

    def text(self, lang: str, key: str, count: int | None = None, /, **values: object) -> str:
        """A text by itself."""
        return self._texts(lang, key, count, **values)

    def __call__(
        self,
        request: Request,
        name: str,
        context: Mapping[str, Any] | None = None,
        status: int = 200,
        *,
        otherwise: str | None = None,
    ) -> HTMLResponse:
        """The page of this template; `otherwise`: its language where the reader has chosen none."""
        lang = language(request, otherwise)
        given = _given(request) | {"csrf": self._cookies.csrf(request)}
        values = _words(self._texts, lang) | given | dict(context or {})
        body = self._environment.get_template(name).render(values)
        response = HTMLResponse(body, status, {**SECURITY_HEADERS, "Content-Language": lang})
        self._cookies.keep_visit(request, response)
        if "lang" in request.query_params:
            response.set_cookie(LANG_COOKIE, lang, max_age=_YEAR, samesite="lax", httponly=True)
        return response

    def fragment(self, name: str, lang: Lang, context: Mapping[str, Any]) -> str:
        """A piece of a page, for no request: it knows of no caller."""
        return self._environment.get_template(name).render(_words(self._texts, lang) | dict(context))


def make_page(cookies: Cookies, compiled: Path | None = None) -> Pages:
    """The renderer, made once for each web process. `compiled`: the folder where compiled templates are kept."""
    folders = [str(resources.files(package) / folder) for package, folder in TEMPLATES]
    environment = Environment(
        loader=FileSystemLoader(folders),
        autoescape=select_autoescape(),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=[OwnForms],
        bytecode_cache=CompiledPages(str(compiled)) if compiled else None,
    )
    return Pages(environment, texts_of(*ROOMS), cookies)


def _words(texts: Texts, lang: Lang) -> dict[str, Any]:
    def label(key: str, otherwise: object) -> object:
        return texts(lang, key) if key in texts else otherwise

    return {
        "t": partial(texts, lang),
        "label": label,
        "f": Formats(lang),
        "rounded": rounded,
        "lang": lang,
        "languages": own_names(),
    }


def _given(request: Request) -> dict[str, Any]:
    def link(**changes: str) -> str:
        # Without the path: one that begins with two slashes would be read as another site.
        return f"?{request.url.include_query_params(**changes).query}"

    return {"caller": getattr(request.state, "caller", None), "path": request.url.path, "link": link}


# Where templates lie (package, folder; the first that has a name wins), and whose texts pages have.
TEMPLATES: Final = (("dashboard", "templates"), ("notifications", "pages"))
ROOMS: Final = (
    "dashboard",
    "dashboard.access",
    "dashboard.campaign",
    "dashboard.candidates",
    "dashboard.forms",
    "dashboard.privacy",
    "dashboard.signup",
    "dashboard.targets",
    "dashboard.walls",
    "notifications.authoring",
    "notifications.links",
    "notifications.links.own",
    "notifications.pages",
)
