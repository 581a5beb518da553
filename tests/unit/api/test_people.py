"""Users, keys and the audit history over HTTP."""

from typing import Any

import pytest

from cratekeeper.domain.access import Role
from cratekeeper.domain.idempotency import HELD_FOR
from cratekeeper.domain.models import Kind
from cratekeeper.services.identity import REMEMBERED_S
from tests.memory.samples import content_id
from tests.support.api import Api
from tests.support.crash import killed_at

USERS, AUDIT = "/v1/admin/users", "GET /v1/admin/audit"


def create(api: Api, **body: Any) -> Any:
    made = api.call(f"POST {USERS}", by="root", body={"user_id": "carol", "role": "user", **body})
    assert made.status == 201
    return made.body


def audit(api: Api, route: str = AUDIT, **query: str) -> list[str]:
    found = api.call(route, by="eve", query={"order": "oldest", **query})
    assert found.status == 200, found.raw
    return [entry["event_type"] for entry in found.body["items"]]


# Users


def test_a_user_is_made_shown_and_changed(api: Api) -> None:
    shown = create(api, max_per_day=-1)
    assert shown == {
        "user_id": "carol",
        "role": "user",
        "max_per_day": -1,
        "max_queue": None,
        "created_at": "2026-11-21T08:00:00.000Z",
        "keys": [],
    }
    changed = api.call(f"PATCH {USERS}/carol", by="root", body={"max_queue": 3, "max_per_day": None})
    assert changed.body == {**shown, "max_queue": 3, "max_per_day": None}
    assert api.call(f"GET {USERS}/carol", by="root").raw == changed.raw


def test_where_a_new_user_is(api: Api) -> None:
    made = api.call(f"POST {USERS}", by="root", body={"user_id": "auth0|5f", "role": "viewer"})
    assert made.headers["Location"] == f"{USERS}/auth0%7C5f"
    assert api.call(f"GET {USERS}/auth0|5f", by="root").body == made.body


def test_nobody_is_made_twice(api: Api) -> None:
    create(api)
    again = api.call(f"POST {USERS}", by="root", body={"user_id": "carol", "role": "admin"})
    assert (again.status, again.code) == (409, "already_exists")
    assert api.call(f"GET {USERS}/carol", by="root").body["role"] == "user"


@pytest.mark.parametrize(
    "body",
    [
        {"user_id": "", "role": "user"},
        {"user_id": "-x", "role": "user"},
        {"user_id": "a b", "role": "user"},
        {"user_id": "a/b", "role": "user"},
        {"user_id": "x" * 65, "role": "user"},
        {"user_id": "dave"},
        {"user_id": "dave", "role": "king"},
        {"user_id": "dave", "role": "user", "max_per_day": -2},
        {"user_id": "dave", "role": "user", "max_queue": "5"},
        {"user_id": "dave", "role": "user", "key": "mine"},
    ],
)
def test_a_wrong_user_is_refused(api: Api, body: dict[str, Any]) -> None:
    assert api.call(f"POST {USERS}", by="root", body=body).status == 400
    assert {*api.crate.world.identities.people} == {"alice", "bob", "eve", "root"}


@pytest.mark.parametrize("body", [{"role": None}, {"role": "king"}, {"max_queue": 1.5}, {"user_id": "x"}])
def test_a_wrong_change_is_refused(api: Api, body: dict[str, Any]) -> None:
    assert api.call(f"PATCH {USERS}/alice", by="root", body=body).status == 400


@pytest.mark.parametrize("user_id", ["nobody", "-", "ø", "x" * 3000, "a b"])
@pytest.mark.parametrize("route", ["GET {}", "PATCH {}", "POST {}/keys", "DELETE {}/keys/k"])
def test_nobody_is_a_404(api: Api, route: str, user_id: str) -> None:
    answer = api.call(route.format(f"{USERS}/{user_id}"), by="root", body={})
    assert (answer.status, answer.code) == (404, "not_found")


def test_users_are_listed_page_by_page(api: Api) -> None:
    first = api.call(f"GET {USERS}", by="root", query={"limit": "3"}).body
    rest = api.call(f"GET {USERS}", by="root", query={"limit": "3", "cursor": first["next_cursor"]}).body
    assert [user["user_id"] for user in first["items"] + rest["items"]] == ["alice", "bob", "eve", "root"]
    assert rest["next_cursor"] is None
    assert api.call(f"GET {USERS}", by="root", query={"cursor": "forged"}).status == 400


def test_limits_of_their_own_are_in_force(api: Api) -> None:
    api.call(f"PATCH {USERS}/alice", by="root", body={"max_per_day": 1})
    statuses = [
        api.call("POST /v1/downloads", body={"kind": "album", "content_id": content_id(name)}).status for name in "ab"
    ]
    assert statuses == [202, 429]


# Keys


def test_a_key_is_shown_once_and_opens_until_it_is_revoked(api: Api) -> None:
    """I30."""
    create(api)
    made = api.call(f"POST {USERS}/carol/keys", by="root")
    assert (made.status, made.body.keys()) == (201, {"user_id", "key_id", "key"})
    api.keys["carol"] = made.body["key"]
    assert api.call("GET /v1/limits", by="carol").status == 200
    shown = api.call(f"GET {USERS}/carol", by="root")
    assert [key["key_id"] for key in shown.body["keys"]] == [made.body["key_id"]]
    assert made.body["key"] not in shown.raw + repr(api.crate.world.log.lines) + repr(api.crate.world.identities.people)
    gone = api.call(f"DELETE {USERS}/carol/keys/{made.body['key_id']}", by="root")
    assert (gone.status, gone.raw) == (204, "")
    api.crate.world.clock.advance(REMEMBERED_S)
    assert api.call("GET /v1/limits", by="carol").status == 401
    assert api.call(f"DELETE {USERS}/carol/keys/{made.body['key_id']}", by="root").status == 404


def test_what_becomes_of_keys_is_audited(api: Api) -> None:
    create(api)
    key_id = api.call(f"POST {USERS}/carol/keys", by="root").body["key_id"]
    api.call(f"DELETE {USERS}/carol/keys/{key_id}", by="root")
    api.crate.catch_up()
    found = api.call("GET /v1/admin/audit/users/root", by="eve").body["items"]
    assert [(entry["event_type"], entry["download_id"], entry["details"]) for entry in found] == [
        ("KEY_REVOKED", None, {"key_id": key_id, "owner": "carol"}),
        ("KEY_CREATED", None, {"key_id": key_id, "owner": "carol"}),
    ]


# The audit history


@pytest.fixture
def busy(api: Api) -> Api:
    """A track that completed; the keys of USERS were made before."""
    api.crate.track("wanted")
    api.crate.drain()
    return api


TRACK = ["REQUEST_CREATED", "DOWNLOAD_STARTED", "DOWNLOAD_COMPLETED"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"kind": "track"}, TRACK),
        ({"kind": "album"}, []),
        ({"content_id": content_id("wanted")}, TRACK),
        ({"user_id": "alice"}, TRACK[:1]),
        ({"event_type": "DOWNLOAD_COMPLETED,DOWNLOAD_STARTED"}, TRACK[1:]),
        ({"event_type": "KEY_CREATED", "user_id": "system"}, ["KEY_CREATED"] * 4),
        ({"kind": "track", "since": "2026-11-21T08:00:00Z"}, TRACK),
        ({"kind": "track", "until": "2026-11-21T09:00:00+02:00"}, []),
        ({"kind": "track", "since": "0001-01-01T00:00:00Z", "until": "9999-12-31T23:59:59Z"}, TRACK),
    ],
)
def test_filters(busy: Api, query: dict[str, str], expected: list[str]) -> None:
    assert audit(busy, **query) == expected


def test_the_entries_of_a_download(busy: Api) -> None:
    (track,) = busy.crate.world.table.roots()
    assert audit(busy, f"{AUDIT}/downloads/{track.id}") == audit(busy, download_id=track.id) == TRACK
    newest = busy.call(f"{AUDIT}/downloads/{track.id}", by="eve").body["items"][0]
    assert (newest["event_type"], newest["kind"], newest["user_id"], newest["source"]) == (
        "DOWNLOAD_COMPLETED",
        Kind.TRACK,
        "system",
        "USER",
    )


def test_pages(busy: Api) -> None:
    first = busy.call(AUDIT, by="eve", query={"limit": "5"}).body
    rest = busy.call(AUDIT, by="eve", query={"limit": "5", "cursor": first["next_cursor"]}).body
    assert len({entry["id"] for entry in first["items"] + rest["items"]}) == 7
    assert rest["next_cursor"] is None


@pytest.mark.parametrize(
    "query",
    [
        {"event_type": "EXPLODED"},
        {"event_type": "DOWNLOAD_STARTED,"},
        {"event_type": ""},
        {"since": "yesterday"},
        {"since": "1700000000"},
        {"since": "2026-11-21T08:00:00"},
        {"until": "0001-01-01T00:00:00+05:00"},
        {"kind": "song"},
        {"order": "best"},
        {"limit": "201"},
        {"cursor": "x"},
        {"who": "alice"},
    ],
)
def test_a_wrong_filter_is_refused(api: Api, query: dict[str, str]) -> None:
    assert api.call(AUDIT, by="eve", query=query).status == 400


def test_the_first_admin_is_made_by_an_event(api: Api) -> None:
    made = api.crate.identity.create_key("first", Role.ADMIN)
    api.keys["first"] = made.key
    assert api.call(f"GET {USERS}", by="first").status == 200


# Idempotency-Key


def keyed(api: Api, route: str, key: str = "a key", **more: Any) -> Any:
    return api.call(route, by="root", headers={"Idempotency-Key": key}, **more)


CAROL = {"user_id": "carol", "role": "user"}
KEYS = f"POST {USERS}/carol/keys"


@pytest.mark.case("I-01")
def test_a_repetition_gets_the_user_that_the_first_request_made(api: Api) -> None:
    first = keyed(api, f"POST {USERS}", body=CAROL)
    api.call(f"PATCH {USERS}/carol", by="root", body={"role": "viewer"})
    again = keyed(api, f"POST {USERS}", body=CAROL)
    assert (again.status, again.raw, again.headers["Location"]) == (201, first.raw, f"{USERS}/carol")
    other = keyed(api, f"POST {USERS}", body={**CAROL, "user_id": "dave"})
    assert (other.status, other.code) == (422, "idempotency_key_reused")


@pytest.mark.case("I-05")
@pytest.mark.parametrize("after", [False, True])
def test_after_a_crash_the_user_is_made_once_and_shown(api: Api, after: bool) -> None:
    world = api.crate.world
    killed_at(world.calls, "identities.create", lambda: keyed(api, f"POST {USERS}", body=CAROL), after=after)
    world.clock.advance(HELD_FOR.total_seconds())
    assert keyed(api, f"POST {USERS}", body=CAROL).status == 201
    assert world.identities.people["carol"].role is Role.USER


def test_a_user_of_somebody_elses_making_is_no_success(api: Api) -> None:
    world = api.crate.world
    killed_at(world.calls, "identities.create", lambda: keyed(api, f"POST {USERS}", body=CAROL))
    world.clock.advance(HELD_FOR.total_seconds())
    create(api)
    assert keyed(api, f"POST {USERS}", body=CAROL).code == "already_exists"


def test_a_repetition_makes_no_further_key_and_names_the_first(api: Api) -> None:
    create(api)
    made = keyed(api, KEYS).body
    again = keyed(api, KEYS, raw="not read")
    assert (again.status, again.code, again.body["key_id"]) == (409, "key_already_made", made["key_id"])
    assert made["key_id"] in again.body["detail"]
    assert [key.key_id for key in api.crate.world.identities.people["carol"].keys] == [made["key_id"]]
    assert keyed(api, KEYS, key="another").status == 201
    assert keyed(api, KEYS, key="").status == 400


def test_no_key_is_kept_in_the_clear(api: Api) -> None:
    create(api)
    made = keyed(api, KEYS).body
    (record,) = api.crate.world.idempotency.records.values()
    assert record.answer
    assert (made["key_id"] in record.answer.body, made["key"] in repr(record)) == (True, False)


@pytest.mark.case("I-05")
@pytest.mark.parametrize(("after", "statuses"), [(False, [201, 409]), (True, [409, 409])])
def test_after_a_crash_a_key_is_made_once(api: Api, after: bool, statuses: list[int]) -> None:
    create(api)
    world = api.crate.world
    killed_at(world.calls, "identities.put_key", lambda: keyed(api, KEYS), after=after)
    world.clock.advance(HELD_FOR.total_seconds())
    assert [keyed(api, KEYS).status for _ in statuses] == statuses
    assert len(world.identities.people["carol"].keys) == 1


def test_a_key_for_nobody_is_a_404_each_time(api: Api) -> None:
    assert [keyed(api, f"POST {USERS}/{user}/keys").status for user in ("carol", "carol", "-")] == [404] * 3
    create(api)
    assert keyed(api, KEYS).status == 201
