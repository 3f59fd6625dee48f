"""A provider of identities (OpenID Connect Core 1.0), asked who somebody is: the code flow, with PKCE (RFC 7636)."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import urlencode

import httpx
import msgspec
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from schemas.errors import Unauthorized, Unavailable
from schemas.fields import is_email

ALGORITHMS: Final = ["RS256", "PS256", "ES256", "EdDSA"]
KEPT: Final = timedelta(hours=1)  # what the provider says of itself
_PATIENCE: Final = 10.0
_LEEWAY: Final = 60  # seconds between its clock and ours
_LONGEST_SUBJECT: Final = 255  # Core 2: ASCII characters
_MOST: Final = 1 << 20  # bytes of an answer
_REFUSED: Final = "the identity provider's answer can't be trusted: {}"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One sign-in on its way: words that only this browser knows, and where it leads."""

    state: str
    nonce: str
    verifier: str
    next: str


@dataclass(frozen=True, slots=True)
class ProviderIdentity:
    """Whom a provider knows: `subject` is one person's for good, within `issuer`. `email`: an address that the provider
    has checked; None where it has not."""

    issuer: str
    subject: str
    email: str | None


def attempt(next: str) -> Attempt:
    """A new one."""
    state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
    return Attempt(state, nonce, verifier, next)


class Provider:
    """`name`: what people call it; `redirect_uri`: where it sends them back."""

    def __init__(
        self, name: str, issuer: str, client: tuple[str, str], redirect_uri: str, clock: Callable[[], datetime]
    ) -> None:
        self.name, self._issuer, self._redirect_uri, self._clock = name, issuer, redirect_uri, clock
        self._id, self._secret = client
        self._about: tuple[datetime, dict[str, Any]] | None = None

    async def address(self, made: Attempt) -> str:
        """Where the browser is sent to show who it is. Raises Unavailable."""
        about = await self._discovered()
        challenge = urlsafe_b64encode(hashlib.sha256(made.verifier.encode()).digest()).rstrip(b"=").decode()
        asked = {
            "response_type": "code",
            "client_id": self._id,
            "redirect_uri": self._redirect_uri,
            "scope": "openid email profile",
            "state": made.state,
            "nonce": made.nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        at = str(about["authorization_endpoint"])
        return f"{at}{'&' if '?' in at else '?'}{urlencode(asked)}"

    async def identity(self, made: Attempt, code: str) -> ProviderIdentity:
        """Who came back with this code. Raises Unauthorized, Unavailable."""
        about = await self._discovered()
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": self._redirect_uri}
        form |= {"code_verifier": made.verifier}
        given = await _asked("POST", about["token_endpoint"], data=form, auth=(self._id, self._secret))
        keys = await _described(str(about["jwks_uri"]))
        claims = self._claims(str(given.get("id_token", "")), keys, made.nonce)
        subject = claims["sub"]
        if "email" not in claims and "userinfo_endpoint" in about:
            bearer = {"Authorization": f"Bearer {given.get('access_token', '')}"}
            said = await _asked("GET", about["userinfo_endpoint"], headers=bearer)
            claims = said if said.get("sub") == subject else {}
        if not isinstance(subject, str) or not 0 < len(subject) <= _LONGEST_SUBJECT or not subject.isprintable():
            raise Unauthorized("the identity provider does not say whom it means")
        return ProviderIdentity(self._issuer, subject, _checked_address(claims))

    def _claims(self, token: str, keys: Mapping[str, Any], nonce: str) -> dict[str, Any]:
        """What an ID token says (Core 3.1.3.7)."""
        expected = jwt.JWTClaimsRegistry(
            now=lambda: int(self._clock().timestamp()),
            leeway=_LEEWAY,
            iss={"essential": True, "value": self._issuer},
            aud={"essential": True, "value": self._id},
            exp={"essential": True},
            sub={"essential": True},
            nonce={"essential": True, "value": nonce},
        )
        try:
            claims = jwt.decode(token, KeySet.import_key_set(dict(keys)), algorithms=ALGORITHMS).claims  # type: ignore[arg-type]
            expected.validate(claims)
        except (JoseError, ValueError, KeyError, TypeError) as error:
            raise Unauthorized(_REFUSED.format(error)) from error
        if isinstance(claims["aud"], list) and len(claims["aud"]) > 1 and claims.get("azp") != self._id:
            raise Unauthorized(_REFUSED.format("it is for somebody else as well"))
        return dict(claims)

    async def _discovered(self) -> dict[str, Any]:
        """What the provider says of itself (Discovery 1.0)."""
        if self._about is None or self._about[0] + KEPT < self._clock():
            found = await _described(f"{self._issuer.rstrip('/')}/.well-known/openid-configuration")
            needed = {"authorization_endpoint", "token_endpoint", "jwks_uri"}
            if found.get("issuer") != self._issuer or not needed <= found.keys():
                raise Unavailable(f"{self._issuer} does not say of itself that it is this identity provider")
            self._about = (self._clock(), found)
        return self._about[1]


def _checked_address(claims: Mapping[str, Any]) -> str | None:
    email = claims.get("email")
    if claims.get("email_verified") is not True or not isinstance(email, str):
        return None
    return email if email.isprintable() and is_email(email) else None


async def _asked(method: str, url: Any, **more: Any) -> dict[str, Any]:
    """A JSON object from the provider. Raises Unauthorized where it refuses, Unavailable where it does not answer."""
    try:
        async with (
            asyncio.timeout(_PATIENCE),
            httpx.AsyncClient(timeout=_PATIENCE, headers=_HEADERS) as http,
            http.stream(method, str(url), **more) as answer,
        ):
            found = msgspec.json.decode(await _read(answer)) if answer.is_success else {}
    except _NO_ANSWERS as error:
        raise Unavailable(f"the identity provider can't be reached or understood: {error!r}") from error
    if answer.is_server_error or not isinstance(found, dict):
        raise Unavailable(f"the identity provider answered {answer.status_code}")
    if not answer.is_success:
        raise Unauthorized(f"the identity provider refused: {answer.status_code}")
    return found


async def _described(url: str) -> dict[str, Any]:
    """What the provider tells everybody. Raises Unavailable."""
    try:
        return await _asked("GET", url)
    except Unauthorized as error:
        raise Unavailable(f"there is no identity provider at {url}: {error}") from error


async def _read(answer: httpx.Response) -> bytes:
    """A body, which is not compressed: what that becomes has no bounds. Raises ValueError for a long one."""
    read = bytearray()
    async for chunk in answer.aiter_raw():
        read += chunk
        if len(read) > _MOST:
            raise ValueError(f"longer than {_MOST} bytes")
    return bytes(read)


_HEADERS: Final = {"Accept": "application/json", "Accept-Encoding": "identity"}
_NO_ANSWERS: Final = (httpx.HTTPError, httpx.InvalidURL, msgspec.DecodeError, ValueError, RecursionError, TimeoutError)
