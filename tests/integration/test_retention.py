"""Persons are asked, hidden and erased by the clock, in portions; on a real Postgres."""

from __future__ import annotations

import asyncio
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from schemas.facts import validate_event
from schemas.retention import RetentionTerms
from schemas.settings import Settings
from storage.campaigns import terms
from storage.vault import retention as plans
from storage.vault.accepting import accept
from storage.vault.master import FileMaster
from storage.vault.register import Register
from streams import retention
from streams.persisting import Persistence
from streams.retention import START, carry_out, survey
from streams.upkeep import Upkeep
from tests.access import csrf
from tests.facts import CAMPAIGN, event, hired, opened, signed_up, target
from tests.integration.office import Office
from tests.integration.world import World, applying, as_cookie

ENDS = datetime(2026, 12, 31, 16, tzinfo=UTC)  # the campaign's, in Shanghai


def days(number: float) -> timedelta:
    return timedelta(days=number)


pytestmark = pytest.mark.usefixtures("soon")


async def look(office: Office) -> int:
    """All portions of one look; how many there were."""
    after: Any = START
    portions = 0
    async with office.pool.connection() as conn:
        while after is not None:
            after = await survey(conn, after)
            portions += 1
    return portions


async def do(office: Office, now: datetime) -> int:
    """What the clock does at that moment, and what the worker makes of it; at noon, that mails may go."""
    await look(office)
    async with office.pool.connection() as conn:
        done = await carry_out(conn, now)
    await office.apply_what_waits()
    office.clock.ahead = now - datetime.now(UTC)
    await office.change("UPDATE messages SET not_before = NULL WHERE status = 'requested'")
    await office.sender().send_all()
    return done


async def said(office: Office) -> list[tuple[str, str]]:
    return await office.rows(
        "SELECT type, candidate FROM facts WHERE source = '/yinfeng/retention' ORDER BY seq, candidate"
    )


def person(candidate: str = "c1", **more: Any) -> dict[str, Any]:
    return signed_up(candidate, **{"email": f"{candidate}@example.com", "locale": "en", **more})


LAST = datetime(2027, 12, 31, 4, tzinfo=UTC)  # noon of the day on which who was not hired is hidden


async def test_a_person_is_asked_then_hidden_then_erased_and_counts_on(world: World):
    office = world.office
    await office.tell(opened(), target("all", "signed_up"), person())
    await office.sender().send_all()
    assert await do(office, ENDS) == 0
    assert await do(office, LAST - days(29)) == 1
    assert await office.status_of("c1", "keep_data") == ("sent", None)
    [(text,)] = await office.rows("SELECT text FROM mails JOIN messages m ON m.id = message WHERE kind = 'keep_data'")
    assert "1 January 2028" in text
    assert await do(office, LAST - days(1)) == 0
    assert await do(office, LAST + days(2)) == 1
    assert await said(office) == [("candidate.restricted", "c1")]
    [(ground, until)] = await office.rows(
        "SELECT restricted_ground, restricted_until::text FROM vault.person WHERE candidate = 'c1'"
    )
    assert (ground, until) == ("retention", "2028-07-02")
    assert await do(office, datetime(2028, 7, 1, 4, tzinfo=UTC)) == 0
    assert await do(office, datetime(2028, 7, 2, 4, tzinfo=UTC)) == 1
    assert await said(office) == [("candidate.restricted", "c1"), ("candidate.erased", "c1")]
    assert await office.rows("SELECT key, name, restricted_at FROM vault.person WHERE candidate = 'c1'") == [
        (None,) * 3
    ]
    assert await office.rows("SELECT progress FROM targets") == [(1,)]
    assert await do(office, datetime(2038, 7, 2, 4, tzinfo=UTC)) == 0


async def test_who_says_yes_is_kept_for_another_while(world: World):
    await world.office.tell(opened(), person())
    await do(world.office, LAST - days(29))
    path = await world.link("me", kind="keep_data")
    page = await world.page(path)
    assert "Yes, keep my data" in page
    assert await said(world.office) == []
    async with applying(world):
        world.office.clock.ahead = days(0)
        await world.post(path)
    [(purpose,)] = await world.office.rows("SELECT event->'data'->>'purpose' FROM facts WHERE type = 'consent.given'")
    assert purpose == "keeping"


async def test_what_is_said_meanwhile_begins_the_time_anew(world: World):
    office = world.office
    await office.tell(opened(), person())
    await do(office, LAST - days(29))
    await office.tell(person(id="again", time="2027-12-10T09:00:00+08:00"))
    assert await do(office, LAST + days(100)) == 0
    assert await do(office, datetime(2028, 12, 9, 4, tzinfo=UTC)) == 1
    assert await office.rows("SELECT count(*) FROM messages WHERE kind = 'keep_data'") == [(2,)]
    assert await said(office) == []


async def test_who_was_hidden_and_signs_up_again_is_seen_again(world: World):
    office = world.office
    await office.tell(opened(), person())
    await do(office, LAST - days(29))
    await do(office, LAST + days(2))
    await office.tell(person(id="again", time="2028-02-01T09:00:00+08:00"))
    assert await office.rows("SELECT restricted_at FROM vault.person WHERE candidate = 'c1'") == [(None,)]
    assert await do(office, datetime(2028, 8, 1, 4, tzinfo=UTC)) == 0


async def test_terms_are_the_campaigns_and_the_outcomes_own(world: World):
    office = world.office
    benefit = event("benefit.paid", candidate="c3", benefit="b", kind="rent_subsidy", amount=1)
    await office.tell(opened(), person(), person("c2"), hired("c2"), person("c3"), hired("c3"), benefit)
    async with office.pool.connection() as conn:
        await terms.keep(conn, CAMPAIGN, "not_hired", RetentionTerms(1, 0), by="Li")
    await look(office)
    rows = await office.rows("SELECT candidate, outcome, step, due_at FROM vault.retention ORDER BY candidate")
    assert rows == [
        ("c1", "not_hired", "ask", datetime(2027, 1, 31, 16, tzinfo=UTC) - days(30)),
        ("c2", "hired", "ask", datetime(2028, 12, 31, 16, tzinfo=UTC) - days(30)),
        ("c3", "benefits", "ask", datetime(2028, 12, 31, 16, tzinfo=UTC) - days(30)),
    ]
    await do(office, datetime(2027, 1, 2, 4, tzinfo=UTC))
    await do(office, datetime(2027, 2, 2, 4, tzinfo=UTC))
    assert await said(office) == [("candidate.erased", "c1")]


async def test_who_is_hidden_by_law_until_a_day_is_shown_on_that_day_and_not_erased_before(world: World):
    office = world.office
    await office.tell(
        opened(), person(), event("candidate.restricted", candidate="c1", ground="law", until="2031-01-01")
    )
    assert await do(office, datetime(2030, 12, 31, 4, tzinfo=UTC)) == 0
    assert await do(office, datetime(2031, 1, 1, 4, tzinfo=UTC)) == 1
    assert await said(office) == [("candidate.restriction_lifted", "c1")]
    assert await do(office, datetime(2031, 1, 2, 4, tzinfo=UTC)) == 1
    assert await office.rows("SELECT count(*) FROM messages WHERE kind = 'keep_data'") == [(1,)]


async def test_it_works_in_portions_and_two_workers_do_it_once(world: World, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(retention, "LOOKED_AT", 3)
    monkeypatch.setattr(retention, "DONE", 4)
    office = world.office
    await office.tell(opened(), *(person(f"c{n}") for n in range(7)))
    assert await look(office) == 3
    async with office.pool.connection() as one, office.pool.connection() as other:
        done = [await carry_out(conn, LAST) for conn in (one, other, one, other)]
    assert done == [4, 3, 0, 0]
    assert await office.rows("SELECT count(*) FROM messages WHERE kind = 'keep_data'") == [(7,)]


async def test_nothing_is_said_twice_while_the_worker_is_behind(world: World):
    office = world.office
    await office.tell(opened(), person())
    await do(office, LAST - days(29))
    for _ in range(3):  # the worker has applied nothing of it as yet
        await look(office)
        async with office.pool.connection() as conn:
            await carry_out(conn, LAST + days(2))
    assert await said(office) == [("candidate.restricted", "c1")]


async def test_the_page_shows_what_comes_next_week_and_why_and_changes_the_terms(world: World):
    office = world.office
    cookie = await as_cookie(world)
    assert "Nothing is due" in await world.page("/retention", **cookie)
    last = (office.clock() - days(340)).isoformat()
    ends = (office.clock() - days(338)).date().isoformat()
    campaign = opened()
    campaign["data"] |= {"starts_on": "2020-01-01", "ends_on": ends}
    await office.tell(campaign, person(time=last), person("c2", time=last))
    law = event("candidate.restricted", candidate="c2", ground="law", until=office.clock().date().isoformat())
    await office.tell(law)
    await look(office)
    page = await world.page("/retention", **cookie)
    for words in ("Asked whether they want to be kept", "Not hired: not heard of for nearly 12 months", "Shown again"):
        assert words in page, words
    assert "Name c" not in page
    own = f"/retention?campaign={CAMPAIGN}"
    async with office.pool.connection() as conn:
        now = office.clock()
        assert await plans.coming(conn, now, now + days(7), among=["another"], limit=9) == []
        assert len(await plans.coming(conn, now, now + days(7), among=[CAMPAIGN], limit=9)) == 2
    page = await world.page(own, **cookie)
    assert ("Name c1" in page, "Name c2" in page, "Somebody who is restricted" in page) == (True, False, True)
    assert "近 12 个月没有消息" in await world.page(f"{own}&lang=zh-CN", **cookie)
    form = {"csrf": csrf(page), "not_hired_keep": "24", "not_hired_hold": "0"}
    form |= {f"{outcome}_{name}": "6" for outcome in ("hired", "benefits") for name in ("keep", "hold")}
    bad = await world.post(f"/retention/terms?campaign={CAMPAIGN}", 422, cookie, **form | {"hired_hold": "six"})
    assert ("Whole months" in bad, 'value="six"' in bad) == (True, True)
    await world.post(f"/retention/terms?campaign={CAMPAIGN}", 303, cookie, **form)
    assert 'value="24"' in await world.page(own, **cookie)
    await look(office)
    assert "Asked whether" not in await world.page("/retention", **cookie)
    await world.post("/retention/terms?campaign=nobody", 404, cookie, **form)
    [(action,)] = await office.rows("SELECT action FROM audit WHERE action LIKE 'retention%%'")
    assert action == "retention_set"


async def test_mail_abroad_is_set_on_the_page(world: World):
    await world.office.tell(opened(), person())
    cookie = await as_cookie(world)
    own = f"/retention?campaign={CAMPAIGN}"
    page = await world.page(own, **cookie)
    assert "local mailbox" in page
    await world.post(f"/retention/abroad?campaign={CAMPAIGN}", 303, cookie, csrf=csrf(page), waits="true")
    assert 'name="waits" value="true" checked' in await world.page(own, **cookie)
    for way, status in (("smtp", 400), ("pigeon", 422), ("local", 303)):
        await world.post(f"/retention/abroad?campaign={CAMPAIGN}", status, cookie, csrf=csrf(page), way=way)
    chosen = await world.page(f"{own}&lang=zh-CN", **cookie)
    assert '<option value="local" selected>本机邮箱' in chosen
    assert "本机邮箱" in await world.page("/retention?lang=zh-CN", **cookie)


async def test_it_is_for_organizers(world: World):
    for path in ("/retention", f"/retention?campaign={CAMPAIGN}"):
        assert (await world.http.get(path, headers=world.employer)).status_code == 403
    assert (await world.http.post("/retention/abroad?campaign=c", headers=world.employer)).status_code == 403


async def test_the_clock_looks_again_once_terms_change(database_url: str, world: World, tmp_path: Path):
    moments = iter(range(1000))
    aside = Persistence(database_url, name="w", jitter=lambda: 1.0)
    settings = Settings(database_url=database_url)
    register = Register(tmp_path / "erased.log", FileMaster(Path(os.environ["YINFENG_MASTER_KEY_FILE"])))
    upkeep = Upkeep(settings, holder="one", works=[], aside=aside, timer=lambda: next(moments), register=register)
    await world.office.tell(opened(), person())
    query = "SELECT due_at FROM vault.retention"
    async with world.office.pool.connection() as conn:
        await upkeep.look(conn)
        [(before,)] = await world.office.rows(query)
        await upkeep.look(conn)
        await terms.keep(conn, CAMPAIGN, "not_hired", RetentionTerms(36, 0), by="Li")
        await upkeep.look(conn)
    [(after,)] = await world.office.rows(query)
    assert after - before > days(700)


async def test_who_said_yes_is_not_hidden_while_that_waits_to_be_applied(world: World):
    office = world.office
    await office.tell(opened(), person())
    await do(office, LAST - days(29))
    await world.post(await world.link("me", kind="keep_data"))
    await look(office)
    async with office.pool.connection() as conn:
        assert await carry_out(conn, LAST + days(2)) == 0
    assert await said(office) == []


@pytest.mark.parametrize("under", ["c1", "c2"])
async def test_a_yes_that_is_being_said_as_the_time_is_over_counts(world: World, under: str):
    """Under whichever of the person's ids."""
    office = world.office
    await office.tell(opened(), person(), person("c2"), event("candidate.merged", candidate="c2", into="c1"))
    await do(office, LAST - days(29))
    await look(office)
    yes = event("consent.given", candidate=under, purpose="keeping", text="yes", source="/me", time=LAST.isoformat())
    async with office.pool.connection() as saying_it, office.pool.connection() as clock:
        async with saying_it.transaction():
            await accept(saying_it, [validate_event(yes)], posted_by=None)
            doing = asyncio.create_task(carry_out(clock, LAST + days(2)))
            await asyncio.sleep(0.2)
            assert not doing.done()
        assert await doing == 0
    assert await said(office) == []


async def test_a_yes_that_comes_as_they_are_erased_is_answered_that_nothing_is_there(world: World):
    office = world.office
    async with office.pool.connection() as conn:
        await terms.keep(conn, CAMPAIGN, "not_hired", RetentionTerms(12, 0), by="Li")
    await office.tell(opened(), person())
    await do(office, LAST - days(29))
    path = await world.link("me", kind="keep_data")
    await look(office)
    async with office.pool.connection() as conn:
        assert await carry_out(conn, LAST + days(2)) == 1
    assert await said(office) == [("candidate.erased", "c1")]
    world.office.clock.ahead = days(0)
    await world.post(path, 404)
    assert await office.rows("SELECT count(*) FROM facts WHERE type = 'consent.given'") == [(0,)]


async def test_nobody_is_hidden_whose_question_has_not_gone_for_so_long(world: World):
    office = world.office
    await office.tell(opened(), person())
    await look(office)
    async with office.pool.connection() as conn:
        assert await carry_out(conn, LAST - days(29)) == 1
        await look(office)
        assert await carry_out(conn, LAST + days(2)) == 0  # no mail went meanwhile
        await office.sender().send_all()
        await office.change(f"UPDATE messages SET status = 'sent', sent_at = '{LAST}' WHERE kind = 'keep_data'")
        for now, done in ((LAST + days(29), 0), (LAST + days(31), 1)):
            await look(office)
            assert await carry_out(conn, now) == done
    assert await said(office) == [("candidate.restricted", "c1")]


async def test_whom_hr_shows_again_is_asked_anew_before_they_are_hidden_again(world: World):
    office = world.office
    await office.tell(opened(), person())
    await do(office, LAST - days(29))
    await do(office, LAST + days(2))
    await office.tell(event("candidate.restriction_lifted", candidate="c1", time="2028-02-01T09:00:00+08:00"))
    assert await do(office, datetime(2028, 2, 2, 4, tzinfo=UTC)) == 0
    assert await do(office, datetime(2029, 1, 3, 4, tzinfo=UTC)) == 1
    assert await office.rows("SELECT count(*) FROM messages WHERE kind = 'keep_data'") == [(2,)]
    assert await do(office, datetime(2029, 2, 4, 4, tzinfo=UTC)) == 1
    assert await said(office) == [("candidate.restricted", "c1")] * 2


async def test_who_was_hired_while_hidden_is_kept_as_long_as_who_was_hired(world: World):
    office = world.office
    await office.tell(opened(), person())
    await do(office, LAST - days(29))
    await do(office, LAST + days(2))
    await office.tell(hired("c1", time="2028-03-01T09:00:00+08:00"))
    assert await do(office, datetime(2028, 7, 3, 4, tzinfo=UTC)) == 0
    assert await do(office, datetime(2031, 2, 28, 4, tzinfo=UTC)) == 0
    assert await do(office, datetime(2031, 3, 1, 4, tzinfo=UTC)) == 1
    assert await said(office) == [("candidate.restricted", "c1"), ("candidate.erased", "c1")]


async def test_who_is_hidden_until_the_same_day_twice_is_shown_twice(world: World):
    office, law = world.office, {"candidate": "c1", "ground": "law", "until": "2027-01-01"}
    await office.tell(opened(), person(), event("candidate.restricted", **law))
    assert await do(office, datetime(2027, 1, 1, 4, tzinfo=UTC)) == 1
    await office.tell(event("candidate.restricted", **law, time="2027-01-01T13:00:00+08:00"))
    assert await do(office, datetime(2027, 1, 1, 6, tzinfo=UTC)) == 1
    assert await office.rows("SELECT restricted_at FROM vault.person WHERE candidate = 'c1'") == [(None,)]


async def test_a_clock_that_is_ahead_of_the_database_does_nothing(database_url: str, world: World, tmp_path: Path):
    aside = Persistence(database_url, name="w", jitter=lambda: 1.0)
    register = Register(tmp_path / "erased.log", FileMaster(Path(os.environ["YINFENG_MASTER_KEY_FILE"])))
    upkeep = Upkeep(
        Settings(database_url=database_url),
        holder="one",
        works=[],
        aside=aside,
        register=register,
        clock=lambda: LAST + days(9000),
    )
    await world.office.tell(opened(), person())
    await look(world.office)
    async with world.office.pool.connection() as conn:
        await upkeep.do(conn)
    assert await world.office.rows("SELECT count(*) FROM messages WHERE kind = 'keep_data'") == [(0,)]
