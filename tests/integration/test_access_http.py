"""Accounts, sessions, one-time links and the audit, as browsers meet them."""

from __future__ import annotations

import csv
import re
from datetime import UTC, datetime
from pathlib import Path
from time import time
from typing import Any

import httpx
import pyotp
import pytest

from schemas.settings import Settings
from storage.access import accounts, keys, once
from storage.database import Conn
from streams.apply import apply_batch
from tests.access import COOKIE, PASSWORD, csrf, person
from tests.facts import CAMPAIGN, event, opened, target
from tests.integration.applying import incoming
from tests.stand_ins.smtp import smtp_stand_in
from yinfeng.web.app import create_app

NOW = datetime(2026, 6, 1, tzinfo=UTC)
OTHER = "another-2026"


def browser(app: Any) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://test", headers={"accept": "text/html"}
    )


async def send(http: httpx.AsyncClient, at: str, to: str | None = None, **form: Any) -> httpx.Response:
    page = await http.get(at)
    return await http.post(to or at, data={"csrf": csrf(page.text), **form})


async def take_up(app: Any, conn: Conn, account: str, password: str = PASSWORD) -> httpx.AsyncClient:
    """A browser that has taken up an invitation."""
    http = browser(app)
    token = await once.make(conn, "invitation", account)
    answer = await send(http, f"/welcome/{token}", password=password, again=password)
    assert answer.status_code == 303, answer.text
    return http


async def sign_in(app: Any, email: str = "wang@example.com", password: str = PASSWORD) -> httpx.Response:
    async with browser(app) as http:
        return await send(http, "/login", email=email, password=password)


async def test_the_first_link_makes_an_organizer_once(app: Any, conn: Conn):
    token = await once.make(conn, "first")
    http = browser(app)
    assert (await http.get(f"/welcome/{token}")).status_code == 200
    form = {"email": "wang@example.com", "name": "王芳", "password": PASSWORD, "again": PASSWORD}
    answer = await send(http, f"/welcome/{token}", **form)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert "王芳" in (await http.get("/")).text
    (made,) = await accounts.listed(conn)
    assert (made.role, made.campaigns) == ("organizer", None)
    again = browser(app)
    assert (await again.get(f"/welcome/{token}")).status_code == 404


@pytest.mark.parametrize(
    ("password", "said"),
    [
        ("short", "at least 10"),
        ("1234567890", "guessed first"),
        ("password123456", "guessed first"),
        ("aaaaaaaaaaaaaaa", "guessed first"),
        ("wang@example.com", "your own address"),
    ],
)
async def test_a_password_that_is_guessed_first_is_refused(app: Any, conn: Conn, password: str, said: str):
    token = await once.make(conn, "first")
    form = {"email": "wang@example.com", "name": "王芳", "password": password, "again": password}
    answer = await send(browser(app), f"/welcome/{token}", **form)
    assert answer.status_code == 422
    assert said in answer.text
    assert 'value="王芳"' in answer.text


async def test_people_sign_in_by_address_and_password(app: Any, conn: Conn):
    await take_up(app, conn, await person(conn))
    right = await sign_in(app, email="WANG@example.com")
    assert right.status_code == 303
    for email, password in [
        ("wang@example.com", "wrong"),
        ("nobody@example.com", PASSWORD),
        ("", ""),
        ("a\0", "\0"),
        ("wang@example.com", "\ud800"),
    ]:
        wrong = await sign_in(app, email, password.encode("utf-8", "replace").decode())
        assert wrong.status_code == 401
        assert "don’t belong together" in wrong.text


async def test_passwords_and_cookies_are_not_to_be_found_in_the_database(app: Any, conn: Conn):
    http = await take_up(app, conn, await person(conn))
    (account,) = await accounts.listed(conn)
    assert (account.password or "").startswith("$argon2id$")
    held = http.cookies[COOKIE]
    row = await (await conn.execute("SELECT encode(hash, 'escape') || id FROM sessions")).fetchone()
    assert row is not None
    assert held not in row[0]


async def test_who_guesses_waits(app: Any, conn: Conn):
    await take_up(app, conn, await person(conn))
    answers = [(await sign_in(app, password="wrong wrong wrong")).status_code for _ in range(11)]
    assert answers == [401] * 10 + [429]
    assert (await sign_in(app)).status_code == 429


async def test_a_session_ends_with_its_account_and_with_its_key(app: Any, conn: Conn):
    account = await person(conn)
    http = await take_up(app, conn, account)
    await accounts.set_disabled(conn, account, disabled=True)
    assert (await http.get("/v1/campaigns", headers={"accept": "application/json"})).status_code == 401
    assert (await sign_in(app)).status_code == 401
    token = await keys.create(conn, name="k", role="viewer")
    other = browser(app)
    assert (await send(other, "/login", key=token)).status_code == 303
    assert (await other.get("/")).status_code == 200
    await keys.revoke(conn, token.split("_")[1])
    assert (await other.get("/")).status_code == 303


async def test_a_new_password_ends_all_sessions(app: Any, conn: Conn):
    account = await person(conn)
    http = await take_up(app, conn, account)
    token = await once.make(conn, "reset", account)
    fresh = "eight yellow narwhals"
    assert (await send(browser(app), f"/welcome/{token}", password=fresh, again=fresh)).status_code == 303
    assert (await http.get("/")).status_code == 303
    assert (await sign_in(app)).status_code == 401
    assert (await sign_in(app, password=fresh)).status_code == 303


async def test_the_second_factor_is_asked_for_and_a_code_is_good_once(app: Any, conn: Conn):
    http = await take_up(app, conn, await person(conn))
    page = (await http.get("/accounts/me")).text
    secret = page.split('name="secret" value="')[1].split('"')[0]
    totp, at = pyotp.TOTP(secret), int(time())
    form = {"secret": secret, "code": totp.at(at), "current": PASSWORD}
    shown = await send(http, "/accounts/me", "/accounts/me/second-factor", **form)
    recovery = shown.text.split("<code>")[1].split("</code>")[0].splitlines()
    assert len(recovery) == 10

    async def further(code: str) -> int:
        async with browser(app) as other:
            asked = await send(other, "/login", email="wang@example.com", password=PASSWORD)
            assert asked.status_code == 200
            assert COOKIE not in other.cookies
            ticket = asked.text.split('name="ticket" value="')[1].split('"')[0]
            form = {"ticket": ticket, "code": code, "csrf": csrf(asked.text)}
            return (await other.post("/login/code", data=form)).status_code

    assert await further(totp.at(at)) == 401  # it set the second factor
    assert await further(totp.at(at + 30)) == 303
    assert await further(totp.at(at + 30)) == 401
    assert await further(recovery[0].upper()) == 303
    assert await further(recovery[0]) == 401
    assert await further("000000") == 401


async def test_sessions_are_listed_and_ended(app: Any, conn: Conn):
    here = await take_up(app, conn, await person(conn))
    there = browser(app)
    assert (await send(there, "/login", email="wang@example.com", password=PASSWORD)).status_code == 303
    assert (await here.get("/accounts/me")).text.count('name="session"') == 1
    await send(here, "/accounts/me", "/accounts/me/sessions/end")
    assert (await there.get("/")).status_code == 303
    assert (await here.get("/")).status_code == 200


async def test_who_comes_with_a_key_in_each_request_has_no_session_among_those_of_the_key(app: Any, conn: Conn):
    key = await keys.create(conn, name="o", role="organizer")
    signed_in, http = browser(app), browser(app)
    await send(signed_in, "/login", key=key)
    http.headers["authorization"] = f"Bearer {key}"
    answer = await http.get("/accounts/me")
    assert (answer.status_code, answer.text.count('name="session"')) == (200, 1)
    assert (await http.post("/accounts/me/sessions/end")).status_code == 303
    assert (await signed_in.get("/")).headers["location"].startswith("/login")


async def test_no_form_is_taken_that_was_not_drawn_for_its_browser(app: Any, conn: Conn):
    http = await take_up(app, conn, await person(conn))
    stolen = csrf((await browser(app).get("/login")).text)
    for to in ("/logout", "/accounts/keys", "/accounts/invite", "/accounts/me/sessions/end", "/messages/1/cancel"):
        assert (await http.post(to, data={"name": "x"})).status_code == 403, to
        assert (await http.post(to, data={"name": "x", "csrf": stolen})).status_code == 403, to
    own = csrf((await http.get("/accounts")).text)
    foreign = {"origin": "https://evil.example"}
    assert (await http.post("/logout", data={"csrf": own}, headers=foreign)).status_code == 403
    fact = {**opened(), "id": "by-cookie"}
    structured = {"content-type": "application/cloudevents+json"}
    assert (await http.post("/v1/events", json=fact, headers=structured)).status_code == 403
    given = await http.post("/v1/events", json=fact, headers={**structured, "x-csrf-token": own})
    assert given.status_code == 202
    row = await (await conn.execute("SELECT posted_by FROM facts WHERE id = 'by-cookie'")).fetchone()
    (account,) = await accounts.listed(conn)
    assert row == (account.poster,)


async def test_an_organizer_invites_shuts_and_makes_keys(app: Any, conn: Conn):
    http = await take_up(app, conn, await person(conn))
    form = {"email": "li@example.com", "name": "李强", "role": "employer"}
    assert (await send(http, "/accounts", "/accounts/invite", **form)).status_code == 422
    shown = await send(http, "/accounts", "/accounts/invite", **form, employer="huayou")
    link = "/welcome/" + shown.text.split("/welcome/")[1].split("<")[0]
    again = await send(http, "/accounts", "/accounts/invite", **form, employer="huayou")
    assert (again.status_code, "with this address" in again.text) == (422, True)
    other = browser(app)
    assert (await send(other, link, password=PASSWORD, again=PASSWORD)).status_code == 303
    assert (await other.get("/accounts")).status_code == 403
    li = next(each for each in await accounts.listed(conn) if each.role == "employer")
    assert (await send(http, "/accounts", f"/accounts/{li.account}/disable")).status_code == 303
    assert (await other.get("/")).status_code == 303
    made = await send(http, "/accounts", "/accounts/keys", name="ATS", role="organizer")
    key = "yf_" + made.text.split("<code>yf_")[1].split("<")[0]
    bearer = {"authorization": f"Bearer {key}", "accept": "application/json"}
    machine = browser(app)
    assert (await machine.get("/v1/campaigns", headers=bearer)).status_code == 200
    await send(http, "/accounts", f"/accounts/keys/{key.split('_')[1]}/revoke")
    assert (await machine.get("/v1/campaigns", headers=bearer)).status_code == 401


async def test_who_may_enter_one_campaign_sees_no_other(app: Any, conn: Conn):
    other = [each | {"id": f"x-{each['id']}", "data": each["data"] | {"campaign": OTHER, "title": "Secret plan"}}
             for each in (opened(), target("t"))]  # fmt: skip
    await apply_batch(conn, incoming(opened(), target("t"), *other), now=NOW)
    http = await take_up(app, conn, await person(conn, campaigns=[CAMPAIGN]))
    assert "Secret plan" not in (await http.get("/")).text
    assert "Secret plan" not in (await http.get("/wall")).text
    assert [each["campaign"] for each in (await http.get("/v1/campaigns")).json()] == [CAMPAIGN]
    for path in (f"/campaigns/{OTHER}", f"/v1/campaigns/{OTHER}/targets", f"/wall?campaign={OTHER}",
                 f"/messages?campaign={OTHER}", f"/v1/messages?campaign={CAMPAIGN}&campaign={OTHER}"):  # fmt: skip
        assert (await http.get(path)).status_code in (400, 404), path
    for path in ("/messages", "/messages/1", "/accounts", "/accounts/audit", "/metrics", "/templates", "/v1/messages"):
        assert (await http.get(path)).status_code == 403, path
    own = csrf((await http.get("/")).text)
    headers = {"content-type": "application/cloudevents+json", "x-csrf-token": own}
    mine, theirs = (event("campaign.closed", campaign=name, id=name) for name in (CAMPAIGN, OTHER))
    assert (await http.post("/v1/events", json=theirs, headers=headers)).status_code == 403
    assert (await http.post("/v1/events", json=mine, headers=headers)).status_code == 202


async def test_the_audit_tells_who_did_what_and_is_taken_away_as_a_table(app: Any, conn: Conn):
    http = await take_up(app, conn, await person(conn, name="=HYPERLINK(1)"))
    await send(http, "/accounts", "/accounts/keys", name="ATS", role="viewer")
    shown = (await http.get("/accounts/audit")).text
    assert all(word in shown for word in ("Made a key", "Took up an invitation", "Signed in", "127.0.0.1"))
    assert "Took up" not in (await http.get("/accounts/audit?action=key_made")).text.split("<table")[1]
    answer = await http.get("/accounts/audit?format=csv&since=2026-01-01")
    assert answer.text.startswith("\ufeff")
    rows = list(csv.DictReader(answer.text.removeprefix("\ufeff").splitlines()))
    assert "key_made" in {row["action"] for row in rows}
    assert {row["name"] for row in rows} == {"'=HYPERLINK(1)"}
    assert (await http.get("/accounts/audit?since=nonsense&until=9999-12-31")).status_code == 200


async def test_json_about_people_is_kept_by_nobody(app: Any, conn: Conn):
    http = await take_up(app, conn, await person(conn))
    for path in ("/v1/messages", "/v1/campaigns", "/v1/campaigns/none/candidates/c1", "/accounts", "/accounts/me"):
        assert (await http.get(path)).headers["cache-control"] == "no-store", path


async def test_who_forgot_the_password_gets_a_link_by_mail_and_nobody_learns_who_has_an_account(
    database_url: str, conn: Conn, tmp_path: Path
):
    account = await person(conn)
    with smtp_stand_in(tmp_path) as server:
        settings = Settings(database_url=database_url, kafka="127.0.0.1:1", smtp_url=f"smtp://127.0.0.1:{server.port}")
        made = create_app(settings)
        async with made.router.lifespan_context(made):
            await take_up(made, conn, account)
            said = {
                csrf_free((await send(browser(made), "/login/forgotten", email=email)).text)
                for email in ("wang@example.com", "nobody@example.com", "a\0b")
            }
            assert len(said) == 1
            ((to, mail),) = server.accepted
            assert to == ["wang@example.com"]
            link = "/welcome/" + mail.get_body(("plain",)).get_content().split("/welcome/")[1].split()[0]
            fresh = "eight yellow narwhals"
            assert (await send(browser(made), link, password=fresh, again=fresh)).status_code == 303
            assert (await sign_in(made, password=fresh)).status_code == 303
            row = await (await conn.execute("SELECT count(*) FROM messages")).fetchone()
            assert row == (0,)


def csrf_free(page: str) -> str:
    return re.sub(r'value="\w{64}"', "", page)
