"""What somebody meets who guesses, holds a stolen session, or wants to keep others out."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from time import time
from typing import Any

import httpx
import pyotp
import pytest

from schemas.settings import Settings
from storage.access import accounts, once
from storage.access.accounts import Account
from storage.database import Conn
from tests.access import PASSWORD, csrf, person
from tests.integration.test_access_http import browser, send, sign_in, take_up
from tests.stand_ins.smtp import smtp_stand_in
from yinfeng.web.app import create_app

ME = "/accounts/me"
FRESH = "eight yellow narwhals"


def elsewhere(app: Any, address: str) -> httpx.AsyncClient:
    """A browser at another address."""
    transport = httpx.ASGITransport(app, client=(address, 1))
    return httpx.AsyncClient(transport=transport, base_url="http://test", headers={"accept": "text/html"})


async def tried(conn: Conn, name: str, tries: int) -> None:
    await conn.execute("INSERT INTO throttles (name, tries) VALUES (%s, %s)", [name, tries])


async def tries(conn: Conn) -> dict[str, int]:
    return dict(await (await conn.execute("SELECT name, tries FROM throttles WHERE tries > 0")).fetchall())


async def only(conn: Conn) -> Account:
    (account,) = await accounts.listed(conn)
    return account


async def second(http: httpx.AsyncClient, **form: str) -> httpx.Response:
    return await send(http, ME, f"{ME}/second-factor", **form)


async def enrolled(http: httpx.AsyncClient, secret: str) -> list[str]:
    """The recovery codes of a second factor that is set now."""
    shown = await second(http, secret=secret, code=pyotp.TOTP(secret).now(), current=PASSWORD)
    assert shown.status_code == 200, shown.text
    return shown.text.split("<code>")[1].split("</code>")[0].splitlines()


async def test_a_second_factor_is_set_with_the_password_alone(app: Any, conn: Conn):
    http = await take_up(app, conn, await person(conn))
    secret = pyotp.random_base32()
    for current in ("", "wrong wrong wrong"):
        answer = await second(http, secret=secret, code=pyotp.TOTP(secret).now(), current=current)
        assert (answer.status_code, "This is not your password" in answer.text) == (422, True)
    assert (await only(conn)).totp is None
    await enrolled(http, secret)
    assert (await only(conn)).totp == secret


async def test_a_second_factor_is_not_replaced_while_it_stands(app: Any, conn: Conn):
    http = await take_up(app, conn, await person(conn))
    first, other = pyotp.random_base32(), pyotp.random_base32()
    await enrolled(http, first)
    answer = await second(http, secret=other, code=pyotp.TOTP(other).now(), current=PASSWORD)
    assert (answer.status_code, "End it first" in answer.text) == (409, True)
    assert (await only(conn)).totp == first
    assert "请先停用" in (await http.post(f"{ME}/second-factor?lang=zh-CN", data={
        "secret": other, "code": pyotp.TOTP(other).now(), "current": PASSWORD, "csrf": csrf((await http.get(ME)).text),
    })).text  # fmt: skip


async def test_a_second_factor_ends_by_the_password_and_a_code_that_was_not_used(app: Any, conn: Conn):
    http = await take_up(app, conn, await person(conn))
    secret = pyotp.random_base32()
    totp = pyotp.TOTP(secret)
    at = int(time())
    answer = await second(http, secret=secret, code=totp.at(at), current=PASSWORD)
    assert answer.status_code == 200
    assert (await second(http, off="1", code=totp.at(at), current=PASSWORD)).status_code == 422
    assert (await second(http, off="1", code=totp.at(at + 30), current="wrong wrong wrong")).status_code == 422
    assert (await only(conn)).totp == secret
    assert (await second(http, off="1", code=totp.at(at + 30), current=PASSWORD)).status_code == 303
    assert (await only(conn)).totp is None


async def test_a_session_gives_no_guesses_at_the_password(app: Any, conn: Conn):
    http = await take_up(app, conn, await person(conn))
    word = csrf((await http.get(ME)).text)
    form = {"csrf": word, "now": "wrong wrong wrong", "password": FRESH, "again": FRESH}
    answers = [(await http.post(f"{ME}/password", data=form)).status_code for _ in range(11)]
    assert answers == [422] * 10 + [429]
    assert (await http.post(f"{ME}/password", data=form | {"now": PASSWORD})).status_code == 429
    assert (await sign_in(app)).status_code == 303


async def test_the_second_factor_is_guessed_at_thirty_times_a_day(app: Any, conn: Conn):
    account = await person(conn)
    http = await take_up(app, conn, account)
    codes = await enrolled(http, pyotp.random_base32())
    name = f"code-day:{account}"

    async def further(code: str) -> int:
        async with browser(app) as other:
            asked = await send(other, "/login", email="wang@example.com", password=PASSWORD)
            ticket = asked.text.split('name="ticket" value="')[1].split('"')[0]
            form = {"ticket": ticket, "code": code, "csrf": csrf(asked.text)}
            return (await other.post("/login/code", data=form)).status_code

    await tried(conn, name, 28)
    assert await further("000000") == 401
    assert await further(codes[0]) == 303
    assert (await tries(conn))[name] == 29
    assert await further("000000") == 401
    assert await further(codes[1]) == 429


async def test_a_program_s_path_reads_no_form(app: Any, conn: Conn):
    http = await take_up(app, conn, await person(conn))
    word = csrf((await http.get("/")).text)
    read = []

    async def body() -> AsyncIterator[bytes]:
        for part in (f"csrf={word}&x=".encode(), b"x" * 1000):
            read.append(part)
            yield part

    for kind in ("application/x-www-form-urlencoded", "multipart/form-data; boundary=b"):
        answer = await http.post("/v1/events", content=body(), headers={"content-type": kind})
        assert answer.status_code == 403, kind
    assert read == []


async def test_nobody_keeps_somebody_else_out(app: Any, conn: Conn):
    await take_up(app, conn, await person(conn))
    async with elsewhere(app, "10.1.2.3") as stranger:
        word = csrf((await stranger.get("/login")).text)
        form = {"csrf": word, "email": "wang@example.com", "password": "wrong wrong wrong"}
        answers = [(await stranger.post("/login", data=form)).status_code for _ in range(11)]
        assert answers == [401] * 10 + [429]
        assert (await stranger.post("/login", data=form | {"email": "WANG@Example.com"})).status_code == 429
    assert (await sign_in(app)).status_code == 303


async def test_many_addresses_together_are_held_too(app: Any, conn: Conn):
    account = await person(conn)
    await take_up(app, conn, account)
    await tried(conn, f"account:{account}", 100)
    assert (await sign_in(app)).status_code == 429


async def test_only_what_is_wrong_counts(app: Any, conn: Conn):
    await take_up(app, conn, await person(conn))
    assert (await sign_in(app, password="wrong wrong wrong")).status_code == 401
    assert sorted((await tries(conn)).values()) == [1, 1, 1]
    await conn.execute("UPDATE throttles SET tries = 49 WHERE name = 'address:127.0.0.1'")
    for _ in range(3):
        assert (await sign_in(app)).status_code == 303
    assert sorted((await tries(conn)).values()) == [1, 49]


async def test_of_addresses_without_account_the_same_is_told(app: Any, conn: Conn):
    async with browser(app) as http:
        word = csrf((await http.get("/login")).text)
        cased = ["nobody@example.com", "NOBODY@example.com"]
        answers = [
            (await http.post("/login", data={"csrf": word, "email": cased[n % 2], "password": "x"})).status_code
            for n in range(11)
        ]
    assert answers == [401] * 10 + [429]


async def test_who_asks_for_links_again_and_again_neither_floods_nor_revokes(
    database_url: str, conn: Conn, tmp_path: Path
):
    account = await person(conn)
    given = await once.make(conn, "reset", account)
    with smtp_stand_in(tmp_path) as server:
        settings = Settings(database_url=database_url, kafka="127.0.0.1:1", smtp_url=f"smtp://127.0.0.1:{server.port}")
        made = create_app(settings)
        async with made.router.lifespan_context(made):
            for n in range(7):
                async with elsewhere(made, f"10.0.0.{n}") as http:
                    answer = await send(http, "/login/forgotten", email="Wang@example.com")
                    assert (answer.status_code, "a link is on its way" in answer.text) == (200, True)
            ((_, mail),) = server.accepted
            link = "/welcome/" + mail.get_body(("plain",)).get_content().split("/welcome/")[1].split()[0]
            for path in (link, f"/welcome/{given}"):
                assert (await browser(made).get(path)).status_code == 200
            await conn.execute("UPDATE throttles SET since = since - interval '6 minutes'")
            async with elsewhere(made, "10.0.0.1") as http:
                await send(http, "/login/forgotten", email="wang@example.com")
            assert len(server.accepted) == 2
            assert (await browser(made).get(link)).status_code == 404
            assert (await browser(made).get(f"/welcome/{given}")).status_code == 200


async def test_a_new_password_ends_the_links_that_are_out(app: Any, conn: Conn):
    account = await person(conn)
    http = await take_up(app, conn, account)
    token = await once.make(conn, "reset", account)
    ours = await once.make(conn, "reset", await person(conn, "li@example.com"))
    assert (await send(http, ME, f"{ME}/password", now=PASSWORD, password=FRESH, again=FRESH)).status_code == 303
    assert (await browser(app).get(f"/welcome/{token}")).status_code == 404
    assert (await browser(app).get(f"/welcome/{ours}")).status_code == 200
    invited, asked = [await once.make(conn, purpose, account) for purpose in ("invitation", "reset")]
    assert (await send(browser(app), f"/welcome/{asked}", password=PASSWORD, again=PASSWORD)).status_code == 303
    assert (await browser(app).get(f"/welcome/{invited}")).status_code == 404


@pytest.mark.parametrize(("role", "left"), [("organizer", 0), ("viewer", 1)])
async def test_the_first_organizer_s_link_ends_with_the_first_organizer(app: Any, conn: Conn, role: str, left: int):
    await once.make(conn, "first")
    await take_up(app, conn, await person(conn, role=role))
    row = await (await conn.execute("SELECT count(*) FROM access_links WHERE purpose = 'first'")).fetchone()
    assert row == (left,)
