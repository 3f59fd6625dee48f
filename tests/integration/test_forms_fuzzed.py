"""Forms that no page would send: fields of wrong types, too long, doubled, missing, with ids of others. Each is
answered, and none that is wrong says a fact."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from producers.forms.reading import read
from schemas.forms import FORMS, Form
from schemas.settings import Settings
from storage.database import Conn, connect
from streams.apply import apply_batch
from tests.access import csrf
from tests.facts import CAMPAIGN, event, hired, opened, signed_up
from tests.integration.applying import incoming
from tests.integration.forms import facts, signed_in
from yinfeng.web.app import create_app

NOW = datetime(2026, 6, 1, tzinfo=UTC)
OTHER = "other-2026"
OTHERS = {"theirs", "theirs-f", "theirs-op", "theirs-o"}
EXAMPLES = 25  # of each form
SUPPRESSED = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]  # nothing is said of a slow machine
ANSWERS = {303, 400, 403, 404, 409, 413, 422}

TEXTS = st.text(st.characters(exclude_categories=("Cs",)), max_size=40)
ODD = st.sampled_from(
    ["", " ", "\x00", "\x1b[2J", "\u202e", "\r\nBcc: x@y.z", "x" * 5000, "-1", "0", "1e999", "NaN", "٣", "9" * 400,
     "2026-02-30", "2026-13-01", "99:99", "{{ 7 * 7 }}", "<script>alert(1)</script>", "true", "../..", "%00",
     "a,b\nc;d", "１２"]
)  # fmt: skip
GOOD = {
    "date": st.sampled_from(["2026-05-01", "2026年5月1日", "2027/1/2", "1999-01-01"]),
    "time": st.sampled_from(["09:00", "9:30", "16:00"]),
    "number": st.sampled_from(["1", "2,000", "0.5", "2027", "999999999999999"]),
    "email": st.just("li@example.com"),
    "tel": st.just("13800000000"),
    "url": st.just("https://example.com"),
    "tick": st.just("true"),
    "employer": st.sampled_from(["huayou", "华友", "rival"]),
}
IDS = st.sampled_from(["c1", "c2", "theirs", "t", "f1", "theirs-f", "op", "theirs-op", "o1", "theirs-o", "", "\x00"])


def values(form: Form) -> st.SearchStrategy[dict[str, list[str]]]:
    """What is typed: of each field nothing, something good, or something odd; once or several times."""
    one = {}
    for each in form.fields:
        choices = st.sampled_from(each.choices) if isinstance(each.choices, tuple) and each.choices else IDS
        good = GOOD.get(each.kind, choices if each.kind in ("choice", "checks") else st.just("Something"))
        typed = st.one_of(good, good, good, ODD, TEXTS, IDS)
        one[each.name] = st.one_of(st.lists(typed, min_size=1, max_size=1), st.lists(typed, max_size=3))
    extra = st.dictionaries(st.sampled_from(["sure", "look", "form", "document", "campaign", "__proto__"]),
                            st.lists(st.one_of(ODD, TEXTS), max_size=2), max_size=2)  # fmt: skip
    return st.builds(lambda typed, more: {**typed, **more}, st.fixed_dictionaries(one), extra)


ABOUT = st.fixed_dictionaries(
    {},
    optional={
        "campaign": st.sampled_from([CAMPAIGN, CAMPAIGN, CAMPAIGN, OTHER, "none", "\x00", ""]),
        "candidate": st.lists(IDS, max_size=3),
        **dict.fromkeys(("fair", "target", "opening", "employer", "source", "id", "into"), IDS),
        "like": st.sampled_from(["other-2026/theirs-f", "%00/%00", "x", "/"]),
        "setup": st.just("1"),
        "done": st.sampled_from(["x", "0" * 32, "0" * 32 + "-undo"]),
    },
)


@dataclass
class World:
    """A web app, and somebody who may enter CAMPAIGN alone."""

    loop: asyncio.AbstractEventLoop
    http: httpx.AsyncClient
    conn: Conn
    word: str

    def run(self, work: Any) -> Any:
        return self.loop.run_until_complete(work)


def other(*events: dict[str, Any]) -> list[dict[str, Any]]:
    return [{**each, "id": f"other-{n}", "data": {**each["data"], "campaign": OTHER}} for n, each in enumerate(events)]


FAIR = {"title": "Fair", "mode": "onsite", "starts_at": "2026-05-01T09:00:00Z", "ends_at": "2026-05-01T16:00:00Z"}
OFFER = {"employer": "huayou", "position": "Chemist"}


@pytest.fixture
def world(database_url: str, nobody_applies: None) -> Any:
    with asyncio.Runner() as runner:
        loop = runner.get_loop()
        made, leave = loop.run_until_complete(_begin(database_url))
        made.loop = loop
        yield made
        loop.run_until_complete(leave())


async def _begin(database_url: str) -> tuple[World, Callable[[], Any]]:
    conn = await connect(database_url, name="test")
    app = create_app(Settings(database_url=database_url, kafka="127.0.0.1:1"))
    life = app.router.lifespan_context(app)
    await life.__aenter__()
    await apply_batch(
        conn,
        incoming(
            opened(), signed_up("c1"), hired("c2"), event("fair.scheduled", fair="f1", **FAIR),
            event("employer.set", employer="huayou", name="华友"),
            event("opening.set", opening="op", employer="huayou", position="P", seats=1),
            event("target.set", target="t", title="T", measure="hired", goal=1, due_on="2026-12-31"),
            event("offer.extended", candidate="c1", offer="o1", **OFFER),
            *other(opened(), signed_up("theirs"), event("fair.scheduled", fair="theirs-f", **FAIR),
                   event("opening.set", opening="theirs-op", employer="rival", position="P", seats=1)),
        ),
        now=NOW,
    )  # fmt: skip
    http = await signed_in(app, conn, campaigns=[CAMPAIGN])
    word = csrf((await http.get(f"/campaigns/{CAMPAIGN}")).text)

    async def leave() -> None:
        await http.aclose()
        await life.__aexit__(None, None, None)
        await conn.close()

    return World(asyncio.get_running_loop(), http, conn, word), leave


async def _sent(world: World, name: str, about: dict[str, Any], typed: dict[str, list[str]]) -> tuple[int, list[Any]]:
    """The answer to a form, and the facts that it said."""
    before = len(await facts(world.conn))
    body = urlencode({**typed, "csrf": world.word}, doseq=True)
    headers = {"content-type": "application/x-www-form-urlencoded"}
    answer = await world.http.post(f"/forms/{name}?{urlencode(about, doseq=True)}", content=body, headers=headers)
    assert "<script>alert" not in answer.text
    if answer.status_code == 422:
        assert re.search(r'id="[\w-]+-wrong"|role="alert"', answer.text), answer.text
    return answer.status_code, (await facts(world.conn))[before:]


def test_a_form_says_no_fact_that_is_not_meant(world: World):
    for name, form in FORMS.items():
        _try(world, name, form)


def _try(world: World, name: str, form: Form) -> None:

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )
    @given(about=ABOUT, typed=values(form))
    def tried(about: dict[str, Any], typed: dict[str, list[str]]) -> None:
        status, said = world.run(_sent(world, name, about, typed))
        assert status in ANSWERS, name
        if status != 303:
            assert said == []
        if read(form, typed).wrong:
            assert said == []
        for each in said:
            data = each["data"]
            assert data["campaign"] == CAMPAIGN
            assert not {data.get(key) for key in ("candidate", "into", "fair", "opening", "offer")} & OTHERS
            assert "\x00" not in str(each)

    tried()
