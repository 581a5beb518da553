"""Every route x {no key, bad key, user, viewer, admin} x {own, foreign, unknown, malformed}: who gets what.

The rows are written down from the contract, not taken from the route tables, so that a route that asks for less fails.
"""

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest

from tests.memory.samples import content_id
from tests.support.api import USERS, Api, Response, api_on, handled
from tests.support.builders import a_download, root_id
from tests.support.crate import Crate, Knobs
from tests.support.library import ALBUM as SHELVED
from tests.support.library import ARTIST, COVER, TRACKS, stock

OWN, FOREIGN, UNKNOWN = root_id(1), root_id(2), root_id(3)
MALFORMED = ["x", "8" * 26, f"{OWN}-", f"{OWN}-0", OWN.lower(), f"{OWN} ", "ø", "..", "\0", "a" * 2000]
ITEMS = {"own": OWN, "foreign": FOREIGN, "unknown": UNKNOWN, "malformed": MALFORMED[0]}

ANYONE = frozenset({None, "bad", "alice", "eve", "root"})
REQUESTERS, ANALYSTS, ADMINS = frozenset({"alice", "root"}), frozenset({"eve", "root"}), frozenset({"root"})

ALBUM = {"kind": "album", "content_id": content_id("wanted")}


class Row(NamedTuple):
    """Who may, and what those get for what they own (or what has no owner)."""

    may: frozenset[str | None]
    status: int
    body: Any = None
    query: Any = None


ROWS = {
    "POST /v1/downloads": Row(REQUESTERS, 202, ALBUM),
    "GET /v1/downloads": Row(REQUESTERS, 200),
    "GET /v1/downloads/{id}": Row(REQUESTERS, 200),
    "GET /v1/downloads/{id}/children": Row(REQUESTERS, 200),
    "GET /v1/downloads/{id}/events": Row(REQUESTERS, 200),
    "GET /v1/downloads/{id}/explain": Row(REQUESTERS, 200),
    "POST /v1/downloads/{id}/cancel": Row(REQUESTERS, 200),
    "POST /v1/downloads/{id}/pause": Row(REQUESTERS, 200),
    "POST /v1/downloads/{id}/resume": Row(REQUESTERS, 409),
    "POST /v1/downloads/{id}/retry": Row(REQUESTERS, 409),
    "POST /v1/downloads/{id}/priority": Row(REQUESTERS, 200, {"priority": 3}),
    "POST /v1/downloads/batch": Row(REQUESTERS, 202, {"items": [ALBUM]}),
    "POST /v1/downloads/batch-action": Row(REQUESTERS, 200, {"ids": [OWN], "action": "cancel"}),
    "POST /v1/downloads/discography": Row(REQUESTERS, 202, {"artist_id": content_id("known: artist")}),
    "GET /v1/limits": Row(REQUESTERS, 200),
    "GET /v1/queue": Row(REQUESTERS, 200),
    "GET /v1/search": Row(REQUESTERS, 200, query={"q": "known"}),
    "GET /v1/artists/{artist_id}/discography": Row(REQUESTERS, 200),
    "GET /v1/catalog/artists": Row(REQUESTERS, 200),
    "GET /v1/catalog/artists/{artist_id}": Row(REQUESTERS, 200),
    "GET /v1/catalog/albums": Row(REQUESTERS, 200),
    "GET /v1/catalog/albums/{album_id}": Row(REQUESTERS, 200),
    "GET /v1/catalog/tracks/{track_id}": Row(REQUESTERS, 200),
    "GET /v1/catalog/popular": Row(REQUESTERS, 200),
    "GET /v1/media/tracks/{track_id}": Row(REQUESTERS, 302),
    "GET /v1/media/images/{image_id}": Row(REQUESTERS, 302),
    "POST /v1/plays": Row(REQUESTERS, 202, {"track_id": TRACKS[0]}),
    "GET /v1/admin/stats": Row(ANALYSTS, 200),
    "GET /v1/admin/activity": Row(ANALYSTS, 200),
    "GET /v1/admin/downloads": Row(ANALYSTS, 200),
    "POST /v1/admin/downloads/{id}/retry": Row(ADMINS, 409),
    "POST /v1/admin/downloads/retry-failed": Row(ADMINS, 200),
    "DELETE /v1/admin/downloads/{id}": Row(ADMINS, 204),
    "POST /v1/admin/process": Row(ADMINS, 200, {"max": 1}),
    "POST /v1/admin/queue/pause": Row(ADMINS, 200, {"reason": "why"}),
    "POST /v1/admin/queue/resume": Row(ADMINS, 200),
    "PATCH /v1/admin/queue": Row(ADMINS, 200, {"max_concurrent": 2}),
    "GET /v1/admin/audit": Row(ANALYSTS, 200),
    "GET /v1/admin/audit/downloads/{download_id}": Row(ANALYSTS, 200),
    "GET /v1/admin/audit/users/{user_id}": Row(ANALYSTS, 200),
    "GET /v1/admin/users": Row(ADMINS, 200),
    "POST /v1/admin/users": Row(ADMINS, 201, {"user_id": "new", "role": "user"}),
    "GET /v1/admin/users/{user_id}": Row(ADMINS, 200),
    "PATCH /v1/admin/users/{user_id}": Row(ADMINS, 200, {"role": "user"}),
    "POST /v1/admin/users/{user_id}/keys": Row(ADMINS, 201),
    "DELETE /v1/admin/users/{user_id}/keys/{key_id}": Row(ADMINS, 404),
    "GET /v1/admin/jobs": Row(ADMINS, 200),
    "GET /v1/admin/jobs/{job_id}": Row(ADMINS, 200),
    "GET /v1/admin/jobs/{job_id}/history": Row(ADMINS, 200),
    "POST /v1/admin/jobs/{job_id}/trigger": Row(ADMINS, 202, {"params": {}}),
    "GET /health": Row(ANYONE, 200),
    "GET /openapi.json": Row(ANYONE, 200),
    "GET /docs": Row(ANYONE, 200),
    "GET /docs/{file}": Row(ANYONE, 200),
}
OWNED = [key for key in ROWS if "{id}" in key]
NAMES = {
    "artist_id": ARTIST,
    "album_id": SHELVED,
    "track_id": TRACKS[0],
    "image_id": COVER,
    "file": "start.js",
    "download_id": OWN,
    "user_id": "alice",
    "key_id": "unknown",
    "job_id": "integrity_watchdog",
}
CALLERS: list[str | None] = [None, "bad", "alice", "eve", "root"]


def test_every_route_has_a_row() -> None:
    assert {key for _, key, _ in handled()} == ROWS.keys(), "a new route: say who may call it"


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Api:
    """A track of alice and one of bob wait; the provider knows one artist, of whom an album is stored."""
    crate = Crate.of()
    stock(crate.world)
    crate.world.provider.add_discography("known", "first")
    found = api_on(crate, monkeypatch)
    crate.put(a_download(OWN))
    crate.put(a_download(FOREIGN, requested_by="bob"))
    return found


def ask(api: Api, key: str, by: str | None, item: str = OWN, **more: Any) -> Response:
    """The call of a row; its request id and its time are always the same."""
    row = ROWS[key]
    headers = {"X-Request-ID": "the-same"} | ({"Authorization": "Bearer ck_bad"} if by == "bad" else {})
    names = {"id": item, **NAMES}
    path = re.sub(r"\{(\w+)\}", lambda found: names[found[1]], key)
    parts: dict[str, Any] = {"body": row.body} if row.body is not None else {}
    return api.call(path, by=by if by in USERS else None, headers=headers, query=row.query, **{**parts, **more})


def expected(key: str, by: str | None, item: str) -> int:
    """What the contract says."""
    row = ROWS[key]
    if by not in row.may:
        return 403 if by in USERS else 401
    is_seen = item == "own" or (item == "foreign" and by == "root")
    return row.status if is_seen or key not in OWNED else 404


def cells() -> Iterator[tuple[str, str | None, str]]:
    for key in ROWS:
        for by in CALLERS:
            for item in ITEMS if key in OWNED else ["own"]:
                yield key, by, item


@pytest.mark.case("U-01", "U-02")
@pytest.mark.parametrize(("key", "by", "item"), list(cells()))
def test_everybody_gets_what_they_may(api: Api, key: str, by: str | None, item: str) -> None:
    answer = ask(api, key, by, ITEMS[item])
    assert answer.status == expected(key, by, item), answer.raw


@pytest.mark.parametrize("key", OWNED)
def test_what_is_anothers_answers_byte_for_byte_as_what_is_not(api: Api, key: str) -> None:
    for by in ("alice", "eve", None, "bad"):
        foreign, unknown = ask(api, key, by, FOREIGN), ask(api, key, by, UNKNOWN)
        assert (foreign.status, foreign.headers, foreign.raw) == (unknown.status, unknown.headers, unknown.raw)
    assert [*api.crate.world.table.parts[FOREIGN].values()] == [a_download(FOREIGN, requested_by="bob")]


@pytest.mark.parametrize("key", OWNED)
@pytest.mark.parametrize("item", MALFORMED)
def test_what_cannot_be_an_id_answers_as_what_is_not(api: Api, key: str, item: str) -> None:
    unknown, malformed = ask(api, key, "root", UNKNOWN), ask(api, key, "root", item)
    assert (malformed.status, malformed.raw, malformed.headers) == (404, unknown.raw, unknown.headers)


def test_many_at_once_do_not_tell_a_foreign_id_from_an_unknown_one(api: Api) -> None:
    def act(item: str) -> str:
        body = {"ids": [item], "action": "cancel"}
        return ask(api, "POST /v1/downloads/batch-action", "alice", body=body).raw.replace(item, "…")

    assert act(FOREIGN) == act(UNKNOWN)
    assert [*api.crate.world.table.parts[FOREIGN].values()] == [a_download(FOREIGN, requested_by="bob")]


def test_a_childs_id_of_anothers_album_is_unknown_too(api: Api) -> None:
    for key in OWNED:
        if "admin" not in key:
            answers = {ask(api, key, "alice", f"{root}-1").raw for root in (FOREIGN, UNKNOWN, OWN)}
            assert len(answers) == 1, key


ASKING = [
    "POST /v1/downloads",
    "POST /v1/downloads/batch",
    "POST /v1/downloads/discography",
    "GET /v1/search",
    "GET /v1/artists/{artist_id}/discography",
]
"""Routes that need a provider."""


@pytest.fixture
def unconfigured(monkeypatch: pytest.MonkeyPatch) -> Api:
    return api_on(Crate.of(knobs=Knobs(is_configured=False)), monkeypatch, provider_url="")


@pytest.mark.case("U-03")
@pytest.mark.parametrize("key", ASKING)
@pytest.mark.parametrize(("by", "status"), [(None, 401), ("bad", 401), ("eve", 403), ("alice", 503), ("root", 503)])
def test_without_a_provider_who_may_not_learns_nothing_of_it(
    unconfigured: Api, key: str, by: str | None, status: int
) -> None:
    answer = ask(unconfigured, key, by)
    assert answer.status == status
    assert (answer.code == "provider_not_configured") == (status == 503)
