"""A platform with something on every page, and the addresses of all its pages."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import quote, urlencode
from zoneinfo import ZoneInfo

from notifications.sending.scheduler import look
from schemas.forms import FORMS
from schemas.kinds import TEMPLATED
from storage.access import once, walls
from storage.database import make_pool
from streams.retention import survey
from tests.access import person as account
from tests.facts import CAMPAIGN, event, hired, opened, signed_up
from tests.integration.office import Clock, Office

SHANGHAI: Final = ZoneInfo("Asia/Shanghai")
LONG: Final = "华友钴业股份有限公司Wolfeschlegelsteinhausenbergerdorff有限责任公司"
ABOUT: Final = f"/candidates/{CAMPAIGN}/c1"
WHO: Final = {"campaign": CAMPAIGN, "candidate": "c1"}
RETRACTED: Final = {"source": "/hr/test", "id": "offer"}
# What opens a form as it opens in daily use; the rest are about the campaign alone.
OPENED_WITH: Final[dict[str, dict[str, str]]] = {
    "drop_target": {"target": "t"},
    "cancel_fair": {"fair": "f1"},
    "retract": {"candidate": "c1", **RETRACTED},
    **{form.name: {"candidate": "c1"} for form in FORMS.values() if {"candidate", "candidates"} & {*form.about}},
    **{name: {"candidate": "c2", "into": "c1"} for name in ("merge", "unmerge")},
}
# Pages of somebody who is signed in, by the route that answers.
OWN: Final[list[tuple[str, str]]] = [
    ("/", "/"),
    ("/wall", "/wall"),
    ("/wall", f"/wall?campaign={CAMPAIGN}"),
    ("/campaigns/{campaign}", f"/campaigns/{CAMPAIGN}"),
    ("/campaigns/{campaign}/targets/{target}", f"/campaigns/{CAMPAIGN}/targets/t"),
    *[("/campaigns/{campaign}/by/{dimension}", f"/campaigns/{CAMPAIGN}/by/{each}") for each in ("school", "fair")],
    ("/campaigns/{campaign}/employers/{employer:path}", f"/campaigns/{CAMPAIGN}/employers/{quote(LONG)}"),
    ("/campaigns/{campaign}/candidates", f"/campaigns/{CAMPAIGN}/candidates"),
    ("/campaigns/{campaign}/candidates", f"/campaigns/{CAMPAIGN}/candidates?q=nobody"),
    ("/campaigns/{campaign}/duplicates", f"/campaigns/{CAMPAIGN}/duplicates"),
    ("/candidates/{campaign}/{candidate:path}", ABOUT),
    ("/candidates/{campaign}/{candidate:path}", f"/candidates/{CAMPAIGN}/c2"),
    ("/walls", "/walls"),
    ("/candidates/{campaign}/{candidate:path}", f"/candidates/{CAMPAIGN}/c5"),
    ("/candidates/{campaign}/{candidate:path}/data", f"{ABOUT}/data"),
    ("/retention", "/retention"),
    ("/retention", f"/retention?campaign={CAMPAIGN}"),
    ("/accounts", "/accounts"),
    ("/accounts/audit", "/accounts/audit"),
    ("/accounts/me", "/accounts/me"),
    ("/messages", "/messages"),
    ("/messages", f"/messages?campaign={CAMPAIGN}&candidate=nobody"),
    ("/messages/{id}", "/messages/1"),
    ("/templates", "/templates"),
    ("/templates", f"/templates?campaign={CAMPAIGN}"),
    ("/templates/edit", f"/templates/edit?campaign={CAMPAIGN}&kind=offer&locale=en"),
    ("/campaigns/{campaign}/facts", f"/campaigns/{CAMPAIGN}/facts"),
    ("/forms/{name}", "/forms/campaign?setup=1"),
    ("/forms/{name}", f"/forms/target?campaign={CAMPAIGN}&setup=1"),
    *[
        ("/forms/{name}", f"/forms/{name}?" + urlencode({"campaign": CAMPAIGN, **OPENED_WITH.get(name, {})}))
        for name in FORMS
    ],
]
# What is no page of its own: the frames of mails (see `mails`), files, streams, machines' documents.
NO_PAGES: Final = re.compile(
    r"/v1/.*|/(healthz|readyz|metrics|openapi\.json|asyncapi\.json|targets/stream|wall/\{token\}/stream|calendar/\{token\})"
    r"|/(messages|mailbox)/\{id\}/.*|/templates/preview|/static.*"
    r"|/me/\{token\}/data\.json|/candidates/\{campaign\}/\{candidate:path\}/data\.json|/offers/\{token\}/document|/fairs/\{campaign\}/\{fair\}/(calendar|poster\.\{format\})"
)
# Other names of pages that are looked at.
ALSO: Final = {"/mailbox", "/mailbox/{id}", "/campaigns/{campaign}/candidates/views/{view}"}


@dataclass(frozen=True)
class Everything:
    """`public`: pages by link or for anybody, by their route."""

    public: list[tuple[str, str]]


def mails(lang: str) -> list[str]:
    """Where each kind of mail is shown, as a reader of this language gets it."""
    query = [{"campaign": CAMPAIGN, "kind": kind, "locale": lang} for kind in TEMPLATED]
    return [f"/templates/preview?{urlencode(each)}" for each in query]


def build(database_url: str, apply: Callable[..., None], lang: str) -> Everything:
    """Let it all happen; candidates read this language."""
    start = _noon() + timedelta(hours=6)
    apply(
        opened(),
        event("target.set", target="t", title="引进毕业生 2000 名", measure="hired", goal=4, due_on="2026-12-31"),
        event("target.set", target="m", title="Benefits paid", measure="paid", goal=31_500_000, due_on="2026-12-31"),
        event("target.set", target="l", title="Late", measure="hired", goal=9, due_on="2026-02-01"),
        event("opening.set", opening="o", employer=LONG, position="Process engineer", seats=2),
        *[
            event(
                "fair.scheduled",
                fair=f"f{number}",
                title=f"武汉理工大学双选会 {number}",
                mode="hybrid",
                starts_at=(start + timedelta(days=number - 1)).isoformat(),
                ends_at=(start + timedelta(days=number - 1, hours=7)).isoformat(),
                venue="东院体育馆",
                city="武汉",
                capacity=1,
                employers=[LONG],
            )
            for number in range(1, 8)
        ],
        signed_up("c1", name="李思雨", email="c1@example.com", fair="f1", locale=lang, education="master", id="s1"),
        signed_up("c2", name=LONG, email="c2@example.com", fair="f1", locale=lang, id="s2"),
        event("candidate.interviewed", candidate="c1", employer=LONG, outcome="passed"),
        event("offer.extended", candidate="c1", offer="o1", employer=LONG, position="Chemist", id="offer"),
        hired("c3"),
        event("benefit.paid", candidate="c3", benefit="b", kind="insurance", amount=15_750_000, currency="CNY"),
        event("fair.cancelled", fair="f7", reason="Rain"),
        event("candidate.erased", candidate="c4"),
        signed_up("c5", name="王五", email="c5@example.com", fair="f2", locale=lang, id="s5"),
    )
    with ThreadPoolExecutor(1) as pool:  # Playwright's own loop keeps this thread
        return Everything(pool.submit(asyncio.run, _links(database_url)).result())


async def _links(database_url: str) -> list[tuple[str, str]]:
    async with make_pool(database_url, name="test") as pool:
        office = Office(pool, Clock(_noon() - datetime.now(UTC)))
        async with pool.connection() as conn:
            await look(conn, office.clock())
        await office.sender().send_all()
        async with pool.connection() as conn:
            first = await once.make(conn, "first")
            shown = await walls.create(conn, name="Hall", campaigns=None, made_by="tests")
            invited = await once.make(conn, "invitation", await account(conn, "zhao@example.com"))
            await survey(conn)
            await conn.execute("UPDATE vault.retention SET due_at = now() + interval '1 day'")
        texts = [text for (text,) in await office.rows("SELECT text FROM mails ORDER BY message")]
        theirs = "SELECT text FROM mails JOIN messages m ON m.id = message WHERE candidate = 'c5'"
        hidden = _found([text for (text,) in await office.rows(theirs)], "me")
        over = {"ground": "retention", "until": "2031-12-31", "time": "2026-03-09T09:00:00+08:00"}
        await office.tell(event("candidate.restricted", candidate="c5", **over))
    found = {purpose: _found(texts, purpose) for purpose in ("offers", "tickets", "unsubscribe", "me")}
    return [
        *[(f"/{purpose}/{{token}}", path) for purpose, path in found.items()],
        *[(f"/{purpose}/{{token}}", f"/{purpose}/nothing") for purpose in found],
        ("/wall/{token}", f"/wall/{shown}"),
        ("/wall/{token}", "/wall/nothing"),
        ("/welcome/{token}", f"/welcome/{first}"),
        ("/welcome/{token}", f"/welcome/{invited}"),
        ("/welcome/{token}", "/welcome/nothing"),
        ("/me/{token}/data", f"{found['me']}/data"),
        ("/me/{token}/erase", f"{found['me']}/erase"),
        ("/me/{token}/keep", f"{found['me']}/keep"),
        ("/me/{token}", hidden),
        *[("/fairs/{campaign}/{fair}", f"/fairs/{CAMPAIGN}/{fair}") for fair in ("f1", "f2", "f7", "none")],
        ("/campaigns/{campaign}/signup", f"/campaigns/{CAMPAIGN}/signup"),
        ("/signup/{token}", "/signup/nothing"),
        ("/address/{token}", "/address/nothing"),
        ("/lost", "/lost"),
        ("/login", "/login"),
        ("/login/forgotten", "/login/forgotten"),
        ("", "/no/such/page"),
    ]


def _noon() -> datetime:
    """Tomorrow, where the fairs are: an hour at which people are reminded."""
    return (datetime.now(SHANGHAI) + timedelta(days=1)).replace(hour=12, minute=0, second=0, microsecond=0)


def _found(texts: list[str], purpose: str) -> str:
    found = re.search(rf"https://park\.example(/{purpose}/\S+)", "\n".join(texts))
    assert found, purpose
    return found[1]
