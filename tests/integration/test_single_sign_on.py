"""People sign in by an identity provider, a real one in a process of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey

from dashboard.access import provider as asking
from dashboard.access.provider import Provider, attempt
from schemas.errors import Unauthorized, Unavailable
from schemas.settings import Settings
from storage.access import accounts
from storage.database import Conn
from tests.integration.test_access_http import browser
from tests.stand_ins.identity_provider import IdentityProvider, identity_provider
from tests.stand_ins.odd_provider import ANSWERS, odd_provider
from yinfeng.web.app import create_app

BACK = "/login/provider/back"
EMAIL = "wang@example.com"


@pytest.fixture(scope="module")
def provider() -> Iterator[IdentityProvider]:
    with identity_provider() as made:
        yield made


@pytest.fixture
async def app(database_url: str, provider: IdentityProvider) -> AsyncIterator[Any]:
    known = {"oidc_issuer": provider.issuer, "oidc_client_id": "yinfeng", "oidc_client_secret": "secret"}
    settings = Settings(database_url=database_url, kafka="127.0.0.1:1", oidc_name="Park SSO", **known)
    made = create_app(settings)
    async with made.router.lifespan_context(made):
        yield made


async def go(http: httpx.AsyncClient, next: str = "/accounts") -> str:
    answer = await http.get("/login/provider", params={"next": next})
    assert answer.status_code == 303
    return answer.headers["location"]


async def invited(conn: Conn) -> str:
    return await accounts.create(conn, email=EMAIL, name="王芳", role="organizer")


async def test_who_has_an_account_gets_in(app: Any, conn: Conn, provider: IdentityProvider):
    await invited(conn)
    provider.knows("wang", email=EMAIL.upper(), email_verified=True)
    async with browser(app) as http:
        assert "Sign in with Park SSO" in (await http.get("/login", headers={"accept-language": "en"})).text
        there = await go(http)
        asked = parse_qs(urlsplit(there).query)
        assert (asked["code_challenge_method"], asked["client_id"]) == (["S256"], ["yinfeng"])
        back = provider.shown(there, "wang")
        answer = await http.get(BACK, params=back)
        assert (answer.status_code, answer.headers["location"]) == (303, "/accounts")
        assert "王芳" in (await http.get("/accounts")).text
        assert (await http.get(BACK, params=back)).status_code == 401  # once is enough


async def test_who_has_none_is_told_so(app: Any, conn: Conn, provider: IdentityProvider):
    provider.knows("li", email="li@example.com", email_verified=True)
    async with browser(app) as http:
        answer = await http.get(BACK, params=provider.shown(await go(http), "li"), headers={"accept-language": "en"})
        assert answer.status_code == 401
        assert "There is no account here for li@example.com" in answer.text


async def test_an_account_that_was_shut_stays_shut(app: Any, conn: Conn, provider: IdentityProvider):
    account = await invited(conn)
    await conn.execute("UPDATE accounts SET disabled_at = now() WHERE account = %s", [account])
    provider.knows("wang", email=EMAIL, email_verified=True)
    async with browser(app) as http:
        assert (await http.get(BACK, params=provider.shown(await go(http), "wang"))).status_code == 401


async def test_an_account_is_its_person_s_and_not_its_address_s(app: Any, conn: Conn, provider: IdentityProvider):
    account = await invited(conn)

    async def came(who: str, **claims: Any) -> int:
        provider.knows(who, **claims)
        async with browser(app) as http:
            return (await http.get(BACK, params=provider.shown(await go(http), who))).status_code

    assert await came("wang", email=EMAIL, email_verified=True) == 303
    assert await came("successor", email=EMAIL, email_verified=True) == 401  # the house gave the address on
    assert await came("wang", email="wang-li@example.com", email_verified=True) == 303
    assert await came("wang") == 303  # whom we know already needs no address
    await accounts.unbind(conn, account)
    assert await came("successor", email=EMAIL, email_verified=True) == 303
    assert await came("wang", email="wang-li@example.com", email_verified=True) == 401


@pytest.mark.parametrize("claims", [{"email": EMAIL}, {"email": EMAIL, "email_verified": False}, {}])
async def test_an_address_that_nobody_checked_lets_nobody_in(
    app: Any, conn: Conn, provider: IdentityProvider, claims: dict[str, Any]
):
    await invited(conn)
    provider.knows("somebody", **claims)
    async with browser(app) as http:
        assert (await http.get(BACK, params=provider.shown(await go(http), "somebody"))).status_code == 401


async def test_a_code_of_another_browser_lets_nobody_in(app: Any, conn: Conn, provider: IdentityProvider):
    await invited(conn)
    provider.knows("wang", email=EMAIL, email_verified=True)
    async with browser(app) as one, browser(app) as other:
        back = provider.shown(await go(one), "wang")
        await go(other)
        assert (await other.get(BACK, params=back)).status_code == 401
    async with browser(app) as fresh:
        assert (await fresh.get(BACK, params=back)).status_code == 401


async def test_a_provider_that_is_away_is_said_and_passwords_stay(database_url: str):
    known = {"oidc_issuer": "http://127.0.0.1:9", "oidc_client_id": "y", "oidc_client_secret": "s"}
    app = create_app(Settings(database_url=database_url, kafka="127.0.0.1:1", **known))
    async with app.router.lifespan_context(app), browser(app) as http:
        answer = await http.get("/login/provider", headers={"accept-language": "en"})
        assert answer.status_code == 503
        assert "OpenID Connect does not answer just now" in answer.text
        assert 'name="password"' in answer.text


@pytest.mark.parametrize(
    "said", ["\u212aim@example.com", "\u212aIM@EXAMPLE.COM", "kim\0@example.com", "x" * 3000, "kim"]
)
async def test_an_address_that_only_looks_like_theirs_lets_nobody_in(
    app: Any, conn: Conn, provider: IdentityProvider, said: str
):
    """The Kelvin sign is a small k to the database, and another letter to whoever delivers mail."""
    await accounts.create(conn, email="kim@example.com", name="Kim", role="organizer")
    provider.knows("other", email=said, email_verified=True)
    async with browser(app) as http:
        assert (await http.get(BACK, params=provider.shown(await go(http), "other"))).status_code == 401


async def test_over_https_no_other_host_of_the_domain_can_begin_a_sign_in(
    database_url: str, conn: Conn, provider: IdentityProvider
):
    await invited(conn)
    provider.knows("wang", email=EMAIL, email_verified=True)
    known = {"oidc_issuer": provider.issuer, "oidc_client_id": "yinfeng", "oidc_client_secret": "secret"}
    app = create_app(Settings(database_url=database_url, kafka="127.0.0.1:1", public_url="https://test", **known))
    async with app.router.lifespan_context(app), browser(app) as one, browser(app) as other:
        one.base_url = other.base_url = httpx.URL("https://test")
        answer = await one.get("/login/provider")
        name, _, rest = answer.headers["set-cookie"].partition("=")
        assert name.startswith("__Host-")
        assert {"Path=/", "Secure", "HttpOnly"} <= set(rest.split("; "))
        other.cookies.set(name.removeprefix("__Host-"), one.cookies[name])
        back = provider.shown(answer.headers["location"], "wang")
        assert (await other.get(BACK, params=back)).status_code == 401
        assert (await one.get(BACK, params=back)).status_code == 303


@pytest.mark.parametrize("manner", ["endless", "slow", *ANSWERS])
async def test_a_provider_that_answers_oddly_is_away(manner: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(asking, "_PATIENCE", 1.0)
    with odd_provider() as odd:
        made = Provider("P", odd.issuer(manner), ("y", "s"), "https://us.example/back", lambda: NOW)
        with pytest.raises(Unavailable):
            await made.address(attempt("/"))
        assert odd.sent < 16 << 20


async def test_where_no_provider_is_the_form_says_so(database_url: str):
    with odd_provider() as odd:
        known = {"oidc_issuer": odd.issuer("missing"), "oidc_client_id": "y", "oidc_client_secret": "s"}
        app = create_app(Settings(database_url=database_url, kafka="127.0.0.1:1", **known))
        async with app.router.lifespan_context(app), browser(app) as http:
            answer = await http.get("/login/provider")
            assert answer.status_code == 503
            assert 'name="password"' in answer.text


KEY = RSAKey.generate_key(2048, {"kid": "1"})
NOW = datetime(2026, 6, 1, tzinfo=UTC)
RIGHT = {"iss": "https://id.example", "aud": "yinfeng", "sub": "1", "nonce": "n", "exp": int(NOW.timestamp()) + 60}


@pytest.mark.parametrize(
    ("claims", "good"),
    [
        (RIGHT, True),
        (RIGHT | {"aud": ["yinfeng"]}, True),
        (RIGHT | {"aud": ["yinfeng", "other"], "azp": "yinfeng"}, True),
        (RIGHT | {"aud": ["yinfeng", "other"]}, False),
        (RIGHT | {"iss": "https://evil.example"}, False),
        (RIGHT | {"aud": "other"}, False),
        (RIGHT | {"nonce": "another"}, False),
        (RIGHT | {"exp": int((NOW - timedelta(hours=1)).timestamp())}, False),
        ({name: value for name, value in RIGHT.items() if name != "nonce"}, False),
        ({name: value for name, value in RIGHT.items() if name != "exp"}, False),
    ],
)
def test_a_token_is_for_us_from_them_and_of_now(claims: dict[str, Any], good: bool):
    assert said(jwt.encode({"alg": "RS256", "kid": "1"}, claims, KEY)) is good


def test_a_token_is_signed_by_the_provider_s_own_key():
    other = RSAKey.generate_key(2048, {"kid": "1"})
    assert not said(jwt.encode({"alg": "RS256", "kid": "1"}, RIGHT, other))
    public = OctKey.import_key(KEY.as_dict(private=False)["n"])
    assert not said(jwt.encode({"alg": "HS256", "kid": "1"}, RIGHT, public))
    _, body, _ = jwt.encode({"alg": "RS256"}, RIGHT, KEY).split(".")
    assert not said(f"eyJhbGciOiJub25lIn0.{body}.")
    assert not said("")


ODD_KEYS: list[Any] = [
    {}, {"keys": None}, {"keys": 5}, {"keys": []}, {"keys": [1]}, {"keys": ["a"]}, {"keys": [None]}, {"keys": [[]]},
    {"keys": [{}]}, {"keys": [{"kty": "RSA"}]}, {"keys": [{"kty": ["RSA"]}]}, {"keys": [{"kty": 1}]},
    {"keys": [{"kty": "RSA", "n": 1, "e": 1}]}, {"keys": [{"kty": "RSA", "n": "AA", "e": "AA", "kid": "1"}]},
    {"keys": [{"kty": "RSA", "n": "AQAB", "e": "AQAB", "kid": "1"}]}, {"keys": [{"kty": "RSA", "n": "é", "e": "é"}]},
    {"keys": [{"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA", "kid": "1"}]},
    {"keys": [{"kty": "EC", "crv": "P-0", "x": "AA", "y": "AA", "kid": "1"}]},
    {"keys": [{"kty": "OKP", "crv": "Ed25519", "x": "AA", "kid": "1"}]}, {"keys": [{"kty": "oct", "k": 1}]},
    {"keys": {"kty": "RSA"}}, {"keys": "abc"}, {"keys": [{"kty": "RSA", "n": "AQAB", "e": "AQAB", "use": 1}]},
]  # fmt: skip


@pytest.mark.parametrize("keys", ODD_KEYS)
def test_odd_keys_are_trusted_by_nobody(keys: dict[str, Any]):
    assert not said(jwt.encode({"alg": "RS256", "kid": "1"}, RIGHT, KEY), keys)


@pytest.mark.parametrize("changed", [{"aud": 5}, {"aud": None}, {"aud": {}}, {"exp": "soon"},
                                     {"iss": ["https://id.example"]}, {"sub": None}, {"iat": "x"},
                                     {"nbf": 10**400}, {"aud": [["yinfeng"]]}])  # fmt: skip
def test_odd_claims_are_believed_by_nobody(changed: dict[str, Any]):
    assert not said(jwt.encode({"alg": "RS256", "kid": "1"}, RIGHT | changed, KEY))


ODD_TOKENS = [".", "..", "....", "a.b.c", "a.b.c.d.e", "e30.e30.e30", "é.é.é", "eyJhbGciOjF9.e30.", "W10.W10.", "\0",
              "bnVsbA.bnVsbA.AA", "eyJhbGciOiJSU0EtT0FFUCIsImVuYyI6IkExMjhHQ00ifQ.a.b.c.d"]  # fmt: skip


@pytest.mark.parametrize("token", ODD_TOKENS)
def test_odd_tokens_are_believed_by_nobody(token: str):
    assert not said(token)


def said(token: str, keys: dict[str, Any] | None = None) -> bool:
    """Whether what this token says is believed."""
    made = Provider("P", "https://id.example", ("yinfeng", "s"), "https://us.example/back", lambda: NOW)
    try:
        made._claims(token, keys if keys is not None else {"keys": [KEY.as_dict(private=False)]}, "n")
    except Unauthorized:
        return False
    return True
