"""Which language a reader gets: asked for (`?lang=`), chosen before (a cookie), or the browser's own."""

from __future__ import annotations

from typing import Final

from starlette.requests import Request

from schemas.texts import LANGS, Lang

__all__ = ["LANGS", "LANG_COOKIE", "Lang", "accepted", "language", "weighed"]
LANG_COOKIE: Final = "yinfeng_lang"
_MAX_HEADER: Final = 1000


def language(request: Request, otherwise: str | None = None) -> Lang:
    """The language of the answer to this request; `otherwise`: the one to take where the reader has chosen none, before
    the browser's own."""
    for wish in (request.query_params.get("lang"), request.cookies.get(LANG_COOKIE), otherwise):
        if wish in LANGS:
            return wish
    return accepted(request.headers.get("accept-language", ""))


def accepted(header: str) -> Lang:
    """The best of our languages by an Accept-Language header; English when it names none of them."""
    for name in weighed(header):
        if name.startswith("zh"):
            return "zh-CN"
        if name.startswith("en"):
            return "en"
    return "en"


def weighed(header: str) -> list[str]:
    """The names in an Accept or Accept-Language header, the most wanted first, refused ones (q=0) left out."""
    found = []
    for place, part in enumerate(header[:_MAX_HEADER].lower().split(",")):
        name, _, parameters = part.partition(";")
        quality = _quality(parameters)
        if name.strip() and quality > 0:
            found.append((-quality, place, name.strip()))
    return [name for _, _, name in sorted(found)]


def _quality(parameters: str) -> float:
    for parameter in parameters.split(";"):
        key, _, value = parameter.partition("=")
        if key.strip() == "q":
            try:
                return float(value)
            except ValueError:
                return 0.0
    return 1.0
