"""The port Tokens: what an OpenID Connect issuer signed, and nothing else, names a user."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from cratekeeper.adapters.oidc import LEEWAY_S, REFRESH, RETRY, OidcTokens, fetched
from cratekeeper.domain.access import Role
from cratekeeper.domain.errors import Denied, Unavailable
from tests.memory.virtual import START, VirtualClock
from tests.support.crate import Crate

ISSUER, AUDIENCE = "https://id.example", "cratekeeper"
NOW = START.timestamp()
RSA, OTHER_RSA = (rsa.generate_private_key(public_exponent=65537, key_size=2048) for _ in range(2))
SMALL = rsa.generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505 - to be refused
EC, ED = ec.generate_private_key(ec.SECP256R1()), ed25519.Ed25519PrivateKey.generate()
CLAIMS = {"iss": ISSUER, "aud": AUDIENCE, "sub": "alice", "iat": int(NOW), "exp": int(NOW) + 600}


def published(key: Any, kid: str, algorithm: str, **more: Any) -> dict[str, Any]:
    made: dict[str, Any] = jwt.get_algorithm_by_name(algorithm).to_jwk(key.public_key(), as_dict=True)
    return {**made, "kid": kid, "use": "sig", **more}


@dataclass
class Issuer:
    """An issuer in memory; `asked` are the documents that were fetched."""

    keys: list[dict[str, Any]] = field(
        default_factory=lambda: [
            published(RSA, "rsa", "RS256", alg="RS256"),
            published(RSA, "any", "RS256"),
            published(EC, "ec", "ES256"),
            published(ED, "ed", "EdDSA"),
            published(SMALL, "small", "RS256"),
            published(OTHER_RSA, "enc", "RS256", use="enc"),
            {"kty": "oct", "kid": "oct", "k": base64.urlsafe_b64encode(b"s" * 32).decode().rstrip("=")},
        ]
    )
    configuration: dict[str, Any] = field(default_factory=lambda: {"issuer": ISSUER, "jwks_uri": f"{ISSUER}/keys"})
    asked: list[str] = field(default_factory=list)
    is_down: bool = False

    def fetch(self, url: str) -> bytes:
        self.asked.append(url)
        if self.is_down:
            raise Unavailable("down")
        return json.dumps({"keys": self.keys} if url.endswith("/keys") else self.configuration).encode()


def token(key: Any = RSA, kid: str | None = "rsa", algorithm: str = "RS256", **claims: Any) -> str:
    told = {name: value for name, value in {**CLAIMS, **claims}.items() if value is not None}
    return jwt.encode(told, key, algorithm=algorithm, headers={"kid": kid} if kid else None)


@pytest.fixture
def issuer() -> Issuer:
    return Issuer()


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def tokens(issuer: Issuer, clock: VirtualClock) -> OidcTokens:
    return OidcTokens(ISSUER, AUDIENCE, clock=clock, fetch=issuer.fetch)


@pytest.mark.parametrize(
    "good",
    [
        token(),
        token(kid="any"),
        token(kid="any", algorithm="PS256"),
        token(EC, "ec", "ES256"),
        token(ED, "ed", "EdDSA"),
        token(aud=["others", AUDIENCE]),
        token(exp=int(NOW) - LEEWAY_S + 1),
        token(iat=int(NOW) + LEEWAY_S),
        token(nbf=int(NOW)),
        token(exp=NOW + 0.5),
    ],
)
def test_what_the_issuer_signed_for_us_names_a_user(tokens: OidcTokens, good: str) -> None:
    assert tokens.subject_of(good) == "alice"


def unsigned(header: dict[str, Any], claims: dict[str, Any], signature: str = "") -> str:
    parts = (base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in (header, claims))
    return ".".join([*parts, signature])


PEM = RSA.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
GOOD = token()
BAD: dict[str, Callable[[], str]] = {
    "nothing": lambda: "",
    "a word": lambda: "token",
    "dots": lambda: "..",
    "two parts": lambda: GOOD.rpartition(".")[0],
    "no signature": lambda: GOOD.rpartition(".")[0] + ".",
    "four parts": lambda: f"{GOOD}.x",
    "too long": lambda: token(more="x" * 9000),
    "no algorithm": lambda: unsigned({"alg": "none", "kid": "rsa"}, CLAIMS),
    "no algorithm, otherwise spelled": lambda: unsigned({"alg": "nOnE", "kid": "rsa"}, CLAIMS),
    "an algorithm that is a list": lambda: unsigned({"alg": ["RS256"], "kid": "rsa"}, CLAIMS, "x"),
    "no algorithm named": lambda: unsigned({"kid": "rsa"}, CLAIMS, "x"),
    "a secret that all know": lambda: _hmac(PEM, "rsa"),
    "a shared secret": lambda: token("s" * 32, "oct", "HS256"),
    "an algorithm not of its key": lambda: token(RSA, "rsa", "RS512"),
    "an algorithm of another type of key": lambda: token(RSA, "ec", "RS256"),
    "somebody else's key": lambda: token(OTHER_RSA),
    "an unknown key": lambda: token(kid="new"),
    "no key named": lambda: token(kid=None),
    "a key for encryption": lambda: token(OTHER_RSA, "enc"),
    "a small key": lambda: token(SMALL, "small"),
    "a key of its own": lambda: jwt.encode(CLAIMS, OTHER_RSA, "RS256", {"jwk": published(OTHER_RSA, "x", "RS256")}),
    "a key elsewhere": lambda: jwt.encode(CLAIMS, OTHER_RSA, "RS256", {"jku": "https://evil.example", "kid": "x"}),
    "what it calls critical": lambda: jwt.encode(CLAIMS, RSA, "RS256", {"kid": "rsa", "crit": ["b64"], "b64": True}),
    "a changed claim": lambda: _changed(sub="root"),
    "another issuer": lambda: token(iss="https://evil.example"),
    "the issuer with a slash": lambda: token(iss=f"{ISSUER}/"),
    "no issuer": lambda: token(iss=None),
    "another audience": lambda: token(aud="others"),
    "no audience": lambda: token(aud=None),
    "an empty audience": lambda: token(aud=[]),
    "an audience in parts": lambda: token(aud="crate keeper"),
    "expired": lambda: token(exp=int(NOW) - LEEWAY_S),
    "no end": lambda: token(exp=None),
    "an end that is a word": lambda: unsigned({"alg": "RS256", "kid": "rsa"}, CLAIMS | {"exp": "never"}, "x"),
    "an end that is true": lambda: token(exp=True),
    "an end without end": lambda: token(exp=float("inf"), iat=float("nan"), nbf=NOW + 999),
    "no beginning": lambda: token(iat=None),
    "made tomorrow": lambda: token(iat=int(NOW) + 86_400),
    "not yet in force": lambda: token(nbf=int(NOW) + LEEWAY_S + 1),
    "nobody": lambda: token(sub=None),
    "an empty name": lambda: token(sub=""),
    "a long name": lambda: token(sub="x" * 65),
    "a list": lambda: unsigned({"alg": "RS256", "kid": "rsa"}, CLAIMS, "x").replace(".", "[", 1),
    "an encrypted token": lambda: "a.b.c.d.e",
    "a nested kid": lambda: unsigned({"alg": "RS256", "kid": {"x": 1}}, CLAIMS, "x"),
}


def _hmac(secret: bytes, kid: str) -> str:
    """The oldest trick: the public key as a shared secret. The library refuses to make it, so it is made by hand."""
    told = unsigned({"alg": "HS256", "kid": kid}, CLAIMS).rpartition(".")[0]
    signature = hmac.new(secret, told.encode(), hashlib.sha256).digest()
    return f"{told}.{base64.urlsafe_b64encode(signature).decode().rstrip('=')}"


def _changed(**claims: Any) -> str:
    header, _, signature = GOOD.split(".")
    body = base64.urlsafe_b64encode(json.dumps({**CLAIMS, **claims}).encode()).decode().rstrip("=")
    return f"{header}.{body}.{signature}"


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD)
@pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")
def test_every_other_token_is_refused(tokens: OidcTokens, bad: Callable[[], str]) -> None:
    with pytest.raises(Denied):
        tokens.subject_of(bad())


def test_a_token_ends_with_its_time(tokens: OidcTokens, clock: VirtualClock) -> None:
    good = token()
    clock.advance(600 + LEEWAY_S - 1)
    assert tokens.subject_of(good) == "alice"
    clock.advance(1)
    with pytest.raises(Denied):
        tokens.subject_of(good)


# The issuer's keys


def test_keys_are_fetched_once(tokens: OidcTokens, issuer: Issuer) -> None:
    for _ in range(3):
        tokens.subject_of(token())
    assert issuer.asked == [f"{ISSUER}/.well-known/openid-configuration", f"{ISSUER}/keys"]


def test_unknown_keys_are_asked_for_once_a_minute(tokens: OidcTokens, issuer: Issuer, clock: VirtualClock) -> None:
    new = token(OTHER_RSA, "new")
    for _ in range(9):
        with pytest.raises(Denied):
            tokens.subject_of(new)
    assert len(issuer.asked) == 2
    issuer.keys.append(published(OTHER_RSA, "new", "RS256"))
    clock.advance(RETRY.total_seconds())
    assert tokens.subject_of(new) == "alice"


def test_a_withdrawn_key_is_not_trusted_for_ever(tokens: OidcTokens, issuer: Issuer, clock: VirtualClock) -> None:
    long = token(exp=int(NOW) + 86_400)
    assert tokens.subject_of(long) == "alice"
    issuer.keys.clear()
    clock.advance(REFRESH.total_seconds())
    with pytest.raises(Denied):
        tokens.subject_of(long)


def test_an_issuer_with_one_key_need_not_name_it(issuer: Issuer, clock: VirtualClock) -> None:
    issuer.keys[:] = [published(RSA, "rsa", "RS256")]
    assert OidcTokens(ISSUER, AUDIENCE, clock=clock, fetch=issuer.fetch).subject_of(token(kid=None)) == "alice"


@pytest.mark.parametrize(
    "configuration",
    [
        {"issuer": "https://evil.example", "jwks_uri": f"{ISSUER}/keys"},
        {"issuer": ISSUER, "jwks_uri": "http://id.example/keys"},
        {"issuer": ISSUER},
        {"issuer": ISSUER, "jwks_uri": 5},
    ],
)
def test_an_issuer_that_is_not_as_it_should_be_is_not_trusted(
    tokens: OidcTokens, issuer: Issuer, configuration: dict[str, Any]
) -> None:
    issuer.configuration = configuration
    with pytest.raises(Unavailable):
        tokens.subject_of(token())


def test_an_issuer_that_is_down_is_no_refusal(tokens: OidcTokens, issuer: Issuer) -> None:
    issuer.is_down = True
    with pytest.raises(Unavailable):
        tokens.subject_of(token())
    issuer.is_down = False
    assert tokens.subject_of(token()) == "alice"


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/keys", "file:///etc/passwd", "https://127.0.0.1:9/keys"])
def test_nothing_is_fetched_without_tls(url: str) -> None:
    with pytest.raises(Unavailable):
        fetched(url)


# Who is known


def test_a_token_proves_who_somebody_is_and_the_table_who_may_come_in(issuer: Issuer) -> None:
    crate = Crate.of()
    crate.identity.tokens = OidcTokens(ISSUER, AUDIENCE, clock=crate.world.clock, fetch=issuer.fetch)
    good = token()
    with pytest.raises(Denied):
        crate.identity.caller_of(good)
    key = crate.identity.create_key("alice", Role.VIEWER).key
    assert crate.identity.caller_of(good) == crate.identity.caller_of(key)
    assert crate.identity.caller_of(good).role is Role.VIEWER
    crate.world.clock.advance(timedelta(hours=1).total_seconds())
    with pytest.raises(Denied):
        crate.identity.caller_of(good)
