"""I31: secrets planted in every path of error are in no log, item, history, event or metric, and shown to nobody."""

import io
import json
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest

from cratekeeper.adapters.telemetry import EmfMetrics, JsonLog
from cratekeeper.domain.access import Role
from cratekeeper.domain.errors import TransferFailed, Unavailable
from cratekeeper.domain.failures import ErrorType
from cratekeeper.domain.models import Kind
from tests.memory.samples import content_id
from tests.memory.world import World
from tests.support.api import Api, api_on
from tests.support.crate import Crate

CANARY = "c4n4ry"
KEY = f"ck_{CANARY}0123456789abcdefghijklmnop"
JWT = f"eyJhbGciOiJSUzI1NiJ9.{CANARY}eyJzdWIiOiJhbGljZSJ9.{CANARY}c2ln"
LINK = (
    f"https://s3.example/b/audio/x.mp3?X-Amz-Credential={CANARY}%2F20261121&X-Amz-Signature=deadbeef{'0' * 56}"
    f"&X-Amz-Security-Token={CANARY}"
)
TEXTS = {
    "an API key": f"refused {KEY}",
    "a signed token": f"refused {JWT}",
    "a header": f"Authorization: Bearer {CANARY}abcdef",
    "a header of the old kind": f"Authorization: Basic {CANARY}abcdef==",
    "a password in a URL": f"cannot reach https://user:{CANARY}@provider.test/track/1",
    "a presigned link": f'could not connect to "{LINK}"',
    "a token in a query": f"GET https://provider.test/x?token={CANARY}&a=1",
    "an access token in a query": f"GET https://provider.test/x?a=1&access_token={CANARY}",
    "a key in a query": f"GET https://provider.test/x?api_key={CANARY}",
}
"""What somebody else's error may say."""


class Watched:
    """A system whose log and metrics are text."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.out = io.StringIO()
        world: Any = World.of()
        log: Any = JsonLog("DEBUG", clock=world.clock, stream=self.out)
        metrics: Any = EmfMetrics("Cratekeeper/test", clock=world.clock, stream=self.out)
        self.crate = Crate(replace(world, log=log, metrics=metrics))
        self.api: Api = api_on(self.crate, monkeypatch)

    def kept(self) -> str:
        """All that outlives a request."""
        self.crate.drain()
        self.crate.drain()
        world = self.crate.world
        records = [*world.table.downloads(), world.control, world.usage("alice")]
        lines = [self.out.getvalue(), *map(repr, records)]
        lines += map(
            repr, [world.history.rows, world.bus.published, world.idempotency.records, world.identities.people]
        )
        return "\n".join(lines)


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> Watched:
    return Watched(monkeypatch)


def leaks(text: str) -> list[str]:
    found = [text[max(0, match.start() - 60) : match.end() + 20] for match in re.finditer(f"{CANARY}|deadbeef", text)]
    return found[:3]


@pytest.mark.parametrize("said", TEXTS.values(), ids=TEXTS)
@pytest.mark.parametrize("error_type", [ErrorType.REJECTED, ErrorType.TIMEOUT])
def test_what_the_provider_says_is_kept_without_secrets(watched: Watched, said: str, error_type: ErrorType) -> None:
    track = watched.crate.track()
    watched.crate.world.provider.failures["audio", track.content_id] = [TransferFailed(error_type, said)]
    assert leaks(watched.kept()) == []
    assert leaks(watched.api.call(f"GET /v1/downloads/{track.id}").raw) == []
    assert watched.crate.world.item(track.id).attempts > 0


@pytest.mark.parametrize("said", TEXTS.values(), ids=TEXTS)
@pytest.mark.parametrize("error", [Unavailable, RuntimeError], ids=lambda error: error.__name__)
@pytest.mark.parametrize("site", ["bell.ring", "store.write", "provider.audio", "media.put", "catalog.record"])
def test_what_a_broken_part_says_is_kept_without_secrets(
    watched: Watched, said: str, error: Callable[[str], Exception], site: str
) -> None:
    broken = [error(said)]

    def breaking(called: str, call: Callable[[], Any]) -> Any:
        if called == site and broken:
            raise broken.pop()
        return call()

    watched.crate.world.calls.around = breaking
    with suppress(RuntimeError):
        watched.api.call("POST /v1/downloads", body={"kind": "track", "content_id": content_id("a")})
        watched.crate.track()
        watched.crate.drain()
    assert leaks(watched.kept()) == []
    assert broken == []


CALLS: dict[str, tuple[str, dict[str, Any]]] = {
    "an unknown key": ("GET /v1/limits", {"headers": {"Authorization": f"Bearer {KEY}"}}),
    "a token": ("GET /v1/limits", {"headers": {"Authorization": f"Bearer {JWT}"}}),
    "a scheme that is not ours": ("GET /v1/limits", {"headers": {"Authorization": f"Basic {CANARY}"}}),
    "a cookie": ("GET /v1/limits", {"headers": {"Authorization": "x", "Cookie": f"session={CANARY}"}}),
    "a header of others": ("GET /v1/limits", {"headers": {"Authorization": "x", "X-Api-Key": CANARY}}),
    "an Idempotency-Key": ("POST /v1/downloads", {"headers": {"Authorization": "x", "Idempotency-Key": CANARY}}),
    "a query": ("GET /v1/downloads", {"query": {"token": CANARY}, "by": "alice"}),
    "a value of a query": ("GET /v1/downloads", {"query": {"status": KEY}, "by": "alice"}),
    "a cursor": ("GET /v1/downloads", {"query": {"cursor": CANARY}, "by": "alice"}),
    "an id": (f"GET /v1/downloads/{KEY}", {"by": "alice"}),
    "a path": (f"GET /v1/{CANARY}/x", {"by": "alice"}),
    "a path without a key": (f"GET /{CANARY}", {"by": None}),
    "no JSON": ("POST /v1/downloads", {"raw": f'{{"kind": "album", "content_id": "{CANARY}', "by": "alice"}),
    "a wrong id": ("POST /v1/downloads", {"body": {"kind": "album", "content_id": KEY}, "by": "alice"}),
    "a field of nobody": (
        "POST /v1/downloads",
        {"body": {"kind": "album", "content_id": content_id("a"), "note": KEY}, "by": "alice"},
    ),
    "a wrong user": ("POST /v1/admin/users", {"body": {"user_id": f"{KEY}/", "role": "user"}, "by": "root"}),
    "a filter": ("GET /v1/admin/audit", {"query": {"event_type": KEY}, "by": "root"}),
    "a key to revoke": (f"DELETE /v1/admin/users/alice/keys/{KEY}", {"by": "root"}),
}


@pytest.mark.parametrize(("route", "more"), CALLS.values(), ids=CALLS)
def test_what_a_caller_sends_is_not_kept(watched: Watched, route: str, more: dict[str, Any]) -> None:
    answer = watched.api.call(route, **{"by": None, **more})
    assert answer.status >= 400
    assert leaks(answer.raw) == []
    assert leaks(watched.kept()) == []


def secrets_of(watched: Watched) -> Iterator[str]:
    yield from watched.api.keys.values()
    yield watched.crate.world.secrets.pepper().decode()
    made = watched.api.call("POST /v1/admin/users/alice/keys", by="root")
    yield json.loads(made.raw)["key"]
    yield watched.crate.identity.create_key("carol", Role.USER).key


def test_our_own_secrets_are_in_no_log_item_event_or_answer(watched: Watched) -> None:
    secrets = [*secrets_of(watched)]
    for kind in (Kind.ALBUM, Kind.TRACK):
        body = {"kind": kind, "content_id": content_id(kind)}
        watched.api.call("POST /v1/downloads", body=body, headers={"Idempotency-Key": f"for {kind}"})
    answers = [
        watched.api.call(route, by="root").raw
        for route in ("GET /v1/admin/users", "GET /v1/admin/audit", "GET /v1/admin/downloads", "GET /v1/downloads")
    ]
    everything = watched.kept() + "".join(answers)
    assert [secret for secret in secrets if secret in everything] == []
