"""Tokens of an OpenID Connect issuer: signed, for us, and in force. Imported only where an issuer is set."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final
from urllib.error import URLError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, ProxyHandler, Request, build_opener

import jwt
from jwt.exceptions import PyJWTError
from typing_extensions import override

from cratekeeper.domain.errors import Denied, Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from cratekeeper.ports import Clock

ALGORITHMS: Final[Mapping[str, frozenset[str]]] = {
    "RSA": frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"}),
    "EC": frozenset({"ES256", "ES384", "ES512"}),
    "OKP": frozenset({"EdDSA"}),
}
"""What a key of a type may sign with. No shared secrets: who could check a token could make one."""

LEEWAY_S: Final = 60
"""Clocks differ by so much."""

REFRESH: Final = timedelta(hours=1)
"""Keys are fetched anew after so long: one that was withdrawn is not trusted for ever."""

RETRY: Final = timedelta(seconds=60)
"""A key that nobody knows is asked for at most so often, whatever tokens come."""

_LONGEST_TOKEN: Final = 8192
_LONGEST_SUBJECT: Final = 64
_SMALLEST_RSA_BITS: Final = 2048
_DEADLINE_S: Final = 3.0
_LARGEST: Final = 256 * 1024
_NEEDED: Final = ("exp", "iat", "sub", "iss", "aud")


class OidcTokens:
    """The port `Tokens` on an issuer's published keys.

    Args:
        issuer: as it stands in the tokens; its configuration is at `/.well-known/openid-configuration` below it.
        audience: who the tokens must be for.
        clock: what time it is.
        fetch: gets a document of the issuer. Raises Unavailable.

    """

    def __init__(
        self, issuer: str, audience: str, *, clock: Clock, fetch: Callable[[str], bytes] | None = None
    ) -> None:
        self._issuer = issuer
        self._audience = audience
        self._clock = clock
        self._fetch = fetch or fetched
        self._keys: dict[str | None, Mapping[str, Any]] = {}
        self._fetched_at: datetime | None = None

    def subject_of(self, token: str) -> str:
        """One or two requests to the issuer at the first token, and when its keys change; else none."""
        try:
            return self._checked(token)
        except (PyJWTError, TypeError, ValueError, OverflowError) as error:
            raise Denied("the token is not valid") from error

    def _checked(self, token: str) -> str:
        if len(token) > _LONGEST_TOKEN:
            raise ValueError("too long")
        header = jwt.get_unverified_header(token)
        jwk = self._key(header.get("kid"))
        algorithm = header["alg"] if header.get("alg") in ALGORITHMS.get(str(jwk.get("kty")), ()) else None
        if algorithm is None or jwk.get("alg", algorithm) != algorithm or "crit" in header:
            raise ValueError("not signed as its key is used")
        key: Any = jwt.PyJWK.from_dict(dict(jwk), algorithm=algorithm).key
        if jwk["kty"] == "RSA" and key.key_size < _SMALLEST_RSA_BITS:
            raise ValueError("the key is too small")
        # Times are checked here, by the clock that everything else goes by.
        untimed: Any = {"verify_exp": False, "verify_nbf": False, "verify_iat": False, "require": list(_NEEDED)}
        claims = jwt.decode(
            token, key, algorithms=[algorithm], audience=self._audience, issuer=self._issuer, options=untimed
        )
        self._in_force(claims)
        return _subject(claims)

    def _in_force(self, claims: Mapping[str, Any]) -> None:
        now_s = self._clock.now().timestamp()
        until, since = _number(claims["exp"]), [_number(claims[name]) for name in ("iat", "nbf") if name in claims]
        if now_s >= until + LEEWAY_S or any(each > now_s + LEEWAY_S for each in since):
            raise ValueError("not in force")

    def _key(self, kid: object) -> Mapping[str, Any]:
        """The key that the token names, or the only one. Raises ValueError for one that is not published."""
        now = self._clock.now()
        age = None if self._fetched_at is None else now - self._fetched_at
        is_unknown = kid is not None and kid not in self._keys
        if age is None or age >= REFRESH or (is_unknown and age >= RETRY):
            self._keys = self._published()
            self._fetched_at = now
        if kid is None and len(self._keys) == 1:
            return next(iter(self._keys.values()))
        if not isinstance(kid, str) or kid not in self._keys:
            raise ValueError("the key is not published")
        return self._keys[kid]

    def _published(self) -> dict[str | None, Mapping[str, Any]]:
        try:
            told = json.loads(self._fetch(f"{self._issuer.rstrip('/')}/.well-known/openid-configuration"))
            if told["issuer"] != self._issuer or urlsplit(told["jwks_uri"]).scheme != "https":
                raise Unavailable("the identity provider is not the one that is configured")
            found = json.loads(self._fetch(told["jwks_uri"]))["keys"]
            return {each.get("kid"): each for each in found if each.get("use", "sig") == "sig"}
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise Unavailable("the identity provider does not publish its keys") from error


def _subject(claims: Mapping[str, Any]) -> str:
    subject = claims["sub"]
    if not isinstance(subject, str) or not 1 <= len(subject) <= _LONGEST_SUBJECT:
        raise ValueError("nobody of ours")
    return subject


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError("a time is a number")
    return value


class _NoRedirects(HTTPRedirectHandler):
    """Keys come from where the issuer said, and from nowhere else."""

    @override
    def redirect_request(self, *_: object, **__: object) -> None:
        """Refuse."""


def fetched(url: str) -> bytes:
    """The document at an https URL, within 3 s and 256 KB. Raises Unavailable."""
    if urlsplit(url).scheme != "https":
        raise Unavailable("the identity provider is not asked without TLS")
    opener = build_opener(_NoRedirects, ProxyHandler({}))
    try:
        with opener.open(Request(url, headers={"Accept": "application/json"}), timeout=_DEADLINE_S) as answer:  # noqa: S310 - https alone, as checked above
            body: bytes = answer.read(_LARGEST + 1)
    except (URLError, OSError, ValueError) as error:
        raise Unavailable("the identity provider does not answer") from error
    if len(body) > _LARGEST:
        raise Unavailable("the identity provider says too much")
    return body
