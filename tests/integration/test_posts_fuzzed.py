"""Whatever is posted to a page that is none of HR's forms (these: test_forms_fuzzed) is answered: fields missing,
doubled, of wrong types, too long, of letters that nobody types. A page that posts and is not tried here fails."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from fastapi.routing import iter_route_contexts
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.settings import Settings
from storage.access import once
from storage.database import make_pool
from tests.access import COOKIE, csrf, session_of
from tests.access import person as account
from tests.facts import CAMPAIGN, event, opened, signed_up
from tests.integration.office import Office
from tests.integration.test_forms_fuzzed import ODD, TEXTS
from yinfeng.web.app import create_app

ROOT: Final = Path(__file__).parents[2]
EXAMPLES: Final = 12  # of each page
GOOD: Final = st.sampled_from(
    ["li@example.com", "c1", "c2", "f1", CAMPAIGN, "1", "12", "true", "organizer", "employer", "huayou", "2026-05-01",
     "accepted", "declined", "save", "all", "offer", "en", "zh-CN", "correct horse battery", "123456"]
)  # fmt: skip
VALUES: Final = st.one_of(GOOD, ODD, TEXTS)
# Machines post there, and HR's forms are tried elsewhere.
ELSEWHERE: Final = re.compile(r"/v1/.*|/forms/.*")
# What its own page would send along; a page that is not named here is found by its path alone.
ABOUT: Final = {"campaign": CAMPAIGN, "fair": "f1", "candidate": "c1", "view": "nothing", "id": "1", "wall": "1"}


def fields_of_pages() -> list[str]:
    """The names of all fields that pages have."""
    pages = [path.read_text() for room in ("dashboard", "notifications") for path in (ROOT / room).rglob("*.html")]
    return sorted({name for page in pages for name in re.findall(r' name="(\w+)"', page)} - {"csrf"})


TYPED: Final = st.lists(st.tuples(st.sampled_from(fields_of_pages()), VALUES), max_size=6)


@pytest.fixture
async def world(database_url: str, nobody_applies: None) -> AsyncIterator[tuple[Any, httpx.AsyncClient, Any]]:
    """The web app, a browser that is signed in, and links by their purpose."""
    made = create_app(Settings(database_url=database_url, kafka="127.0.0.1:1"))
    async with make_pool(database_url, name="test") as pool:
        office = Office(pool)
        times = {"starts_at": "2099-05-01T09:00:00+08:00", "ends_at": "2099-05-01T16:00:00+08:00"}
        await office.tell(
            opened(),
            event("fair.scheduled", fair="f1", title="F", mode="onsite", capacity=1, employers=["huayou"], **times),
            *(signed_up(each, name="李雷", fair="f1", email=f"{each}@example.com", id=each) for each in ("c1", "c2")),
            event("offer.extended", candidate="c1", offer="o1", employer="huayou", position="P"),
        )
        await office.sender().send_all()
        text = "\n".join(text for (text,) in await office.rows("SELECT text FROM mails"))
        found = {
            each: re.findall(rf"/{each}/([\w.-]+)", text)[:1] for each in ("offers", "tickets", "me", "unsubscribe")
        }
        async with pool.connection() as conn:
            found["welcome"] = [await once.make(conn, "invitation", await account(conn, "zhao@example.com"))]
            session = await session_of(conn, "organizer")
        async with made.router.lifespan_context(made):
            browser = httpx.AsyncClient(
                transport=httpx.ASGITransport(made, raise_app_exceptions=False),
                base_url="http://test",
                headers={"accept": "text/html"},
                cookies={COOKIE: session},
            )
            yield made, browser, {purpose: tokens[0] for purpose, tokens in found.items() if tokens}


async def test_no_page_breaks_whatever_is_posted_to_it(world: tuple[Any, httpx.AsyncClient, Any]):
    app, browser, links = world
    word = csrf((await browser.get("/accounts")).text)
    paths = sorted({path for path in posted_to(app) if not ELSEWHERE.fullmatch(path)})
    assert len(paths) > 20
    for path in sorted(paths, key=lambda each: (each == "/logout", each)):
        for typed in drawn(TYPED):
            form: dict[str, list[str]] = {"csrf": [word]}
            for name, value in typed:
                form.setdefault(name, []).append(value)
            answer = await browser.post(filled(path, links), data=form)
            assert answer.status_code < 500, (path, typed, answer.text[:300])


def drawn(strategy: st.SearchStrategy[Any]) -> list[Any]:
    """Some examples, others each time."""
    found: list[Any] = []

    @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[*HealthCheck], database=None)
    @given(strategy)
    def draw(one: Any) -> None:
        found.append(one)

    draw()
    return found


def posted_to(app: Any) -> list[str]:
    return [route.path or "" for route in iter_route_contexts(app.routes) if "POST" in (route.methods or ())]


def filled(path: str, links: dict[str, str]) -> str:
    """An address of this path: with a real link where it is one's."""
    purpose = path.split("/")[1]
    given = {**ABOUT, "token": links.get(purpose, "nothing")}
    return re.sub(r"\{(\w+)(?::\w+)?\}", lambda found: given.get(found[1], "nothing"), path)
