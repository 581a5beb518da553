"""The routes of operators."""

from typing import Any

import pytest

from cratekeeper.domain.access import Permission
from cratekeeper.domain.models import Kind
from cratekeeper.domain.states import State
from functions.admin.handler import ROUTES
from tests.support.api import Api
from tests.support.builders import a_child, a_download, a_media, an_album, at, root_id
from tests.support.crate import BOB

PAUSE, RESUME, LIMIT = "POST /v1/admin/queue/pause", "POST /v1/admin/queue/resume", "PATCH /v1/admin/queue"
LIST = "GET /v1/admin/downloads"


def put(api: Api, number: int, **fields: Any) -> str:
    api.crate.put(a_download(root_id(number), **fields))
    return root_id(number)


def concrete(route: str) -> str:
    return route.replace("{id}", root_id(1)).replace("{download_id}", root_id(1)).replace("{user_id}", "alice")


# Who may


@pytest.mark.case("U-02")
@pytest.mark.parametrize("route", ROUTES)
def test_a_user_may_use_no_route_of_operators(api: Api, route: str) -> None:
    assert api.call(concrete(route), by="alice", body={}).code == "forbidden"
    assert api.call(concrete(route), by=None, body={}).code == "unauthorized"


@pytest.mark.parametrize("route", ROUTES)
def test_a_viewer_may_look_and_do_nothing(api: Api, route: str) -> None:
    status = api.call(concrete(route), by="eve", **({} if route.startswith("GET") else {"body": {}})).status
    assert status in ({200, 404} if ROUTES[route].permission is Permission.VIEW_ANALYTICS else {403})


# Orders


@pytest.mark.case("X-08")
def test_pausing_and_resuming_twice_is_as_good_as_once(api: Api) -> None:
    body = {"reason": "moving house", "resume_at": "2026-11-21T09:00:00.250Z"}
    first = api.call(PAUSE, by="root", body=body)
    assert first.status == 200
    assert first.body == {
        "paused": True,
        "paused_reason": "moving house",
        "paused_by": "root",
        "resume_at": "2026-11-21T09:00:00.250Z",
        "max_concurrent": 3,
        "active": 0,
        "pending": 0,
        "retry_waiting": 0,
        "by_priority": {"1": 0, "2": 0, "3": 0},
    }
    assert api.call(PAUSE, by="root", body={"reason": "another"}).raw == first.raw
    assert api.call("GET /v1/queue").raw == first.raw
    after = [api.call(RESUME, by="root") for _ in range(2)]
    assert [(each.status, each.body["paused"], "paused_reason" in each.body) for each in after] == [
        (200, False, False)
    ] * 2


def test_a_pause_needs_no_reason(api: Api) -> None:
    found = api.call(PAUSE, by="root").body
    assert (found["paused"], "paused_reason" in found, "resume_at" in found) == (True, False, False)


@pytest.mark.parametrize(
    "body",
    [
        {"reason": ""},
        {"reason": "x" * 201},
        {"reason": 5},
        {"because": "x"},
        {"resume_at": "2026-11-21T08:00:00Z"},
        {"resume_at": "2026-11-21T09:00:00"},
        {"resume_at": "tomorrow"},
    ],
)
def test_a_wrong_pause_is_refused(api: Api, body: dict[str, Any]) -> None:
    refused = api.call(PAUSE, by="root", body=body)
    assert (refused.status, refused.code) == (400, "invalid_request")
    assert not api.crate.world.control.paused


@pytest.mark.case("S-03")
@pytest.mark.parametrize("limit", [1, 1000])
def test_a_limit_is_in_force_and_shown(api: Api, limit: int) -> None:
    assert api.call(LIMIT, by="root", body={"max_concurrent": limit}).body["max_concurrent"] == limit
    assert api.call("GET /v1/queue").body["max_concurrent"] == limit


@pytest.mark.case("S-03")
@pytest.mark.parametrize("limit", [0, -1, 1001, "5", 2.5, None])
def test_a_limit_out_of_range_is_refused(api: Api, limit: object) -> None:
    refused = api.call(LIMIT, by="root", body={"max_concurrent": limit})
    assert (refused.status, api.crate.world.control.limit) == (400, 3)
    assert refused.body["errors"][0]["loc"] == "body.max_concurrent"


# Work at once


@pytest.mark.case("Q-03")
def test_an_empty_queue_is_an_empty_list(api: Api) -> None:
    assert api.call("POST /v1/admin/process", by="root", body={"max": 10}).body == {"processed": []}


@pytest.mark.case("J-04")
def test_what_was_processed_is_shown_as_it_is_now(api: Api) -> None:
    track = api.crate.track()
    (shown,) = api.call("POST /v1/admin/process", by="root", body={"max": 1}).body["processed"]
    assert shown == api.call(f"GET /v1/downloads/{track.id}").body
    assert shown["status"] == "COMPLETED"


@pytest.mark.parametrize("most", [0, 11, -1, "1"])
def test_one_to_ten_items_are_processed(api: Api, most: object) -> None:
    assert api.call("POST /v1/admin/process", by="root", body={"max": most}).status == 400


# Everybody's downloads


@pytest.mark.case("A-08", "Q-10")
def test_the_list_is_read_page_by_page(api: Api) -> None:
    ids = [put(api, number, state=State.FAILED) for number in range(1, 6)]
    put(api, 6)
    found, query = [], {"status": "FAILED", "limit": "2"}
    while True:
        page = api.call(LIST, by="eve", query=query).body
        assert page.keys() == {"items", "next_cursor"}
        found.append([each["id"] for each in page["items"]])
        if page["next_cursor"] is None:
            break
        query["cursor"] = page["next_cursor"]
    assert found == [ids[4:2:-1], ids[2:0:-1], ids[:1]]


def test_a_cursor_is_of_one_caller_and_one_query(api: Api) -> None:
    for number in range(1, 4):
        put(api, number)
    cursor = api.call(LIST, by="root", query={"limit": "1"}).body["next_cursor"]
    assert api.call(LIST, by="root", query={"limit": "2", "cursor": cursor}).status == 200
    for by, query in (("eve", {}), ("root", {"kind": "track"}), ("root", {"user_id": "alice"})):
        refused = api.call(LIST, by=by, query={**query, "cursor": cursor})
        assert (refused.status, refused.body["errors"][0]["loc"]) == (400, "query.cursor")


@pytest.mark.case("Q-13", "Q-14")
@pytest.mark.parametrize(
    "query",
    [
        {"status": "DONE"},
        {"kind": "song"},
        {"source": "NOBODY"},
        {"user_id": ""},
        {"limit": "0"},
        {"limit": "-1"},
        {"limit": "201"},
        {"limit": "many"},
        {"active": "true"},
        {"cursor": "forged"},
    ],
)
def test_a_wrong_filter_is_never_the_unfiltered_list(api: Api, query: dict[str, str]) -> None:
    put(api, 1)
    assert api.call(LIST, by="root", query=query).code == "invalid_request"


def test_filters_hold_together(api: Api) -> None:
    put(api, 1, requested_by="bob", kind=Kind.ALBUM)
    put(api, 2, requested_by="bob")
    put(api, 3)
    query = {"user_id": "bob", "kind": "track", "source": "USER", "status": "PENDING"}
    assert [each["id"] for each in api.call(LIST, by="eve", query=query).body["items"]] == [root_id(2)]


# Statistics


def test_statistics_of_a_fresh_system(api: Api) -> None:
    assert api.call("GET /v1/admin/stats", by="eve").body == {
        "queue": {
            "pending": 0,
            "in_progress": 0,
            "retry_waiting": 0,
            "paused": 0,
            "completed_today": 0,
            "failed_today": 0,
            "stale_in_progress": 0,
        },
        "capacity": {"albums_this_hour": 0, "max_per_hour": 10, "albums_today": 0, "max_per_day": 60},
        "processing": {"average_duration_ms": None, "success_rate_percent": None},
    }


def test_statistics_of_work_that_was_done(api: Api) -> None:
    api.crate.track()
    api.crate.drain()
    found = api.call("GET /v1/admin/stats", by="root").body
    assert (found["queue"]["completed_today"], found["processing"]["success_rate_percent"]) == (1, 100.0)


@pytest.mark.case("A-06")
def test_activity_adds_up(api: Api) -> None:
    api.crate.album(tracks=2, pictures=1)
    api.crate.drain()
    found = api.call("GET /v1/admin/activity", by="eve").body
    assert len(found["hourly"]) == 24
    assert found["hourly"][-1]["hour"] == "2026-11-21T08:00:00.000Z"
    assert found["totals"] == {
        name: sum(row[name] for row in found["hourly"]) for name in ("albums", "tracks", "images", "bytes", "failed")
    }
    assert (found["totals"]["albums"], found["totals"]["tracks"], found["totals"]["images"]) == (1, 2, 1)


@pytest.mark.case("Q-13")
@pytest.mark.parametrize("hours", ["0", "169", "-1", "day", "1.5"])
def test_activity_is_of_an_hour_to_a_week(api: Api, hours: str) -> None:
    assert api.call("GET /v1/admin/activity", by="eve", query={"hours": hours}).status == 400
    assert len(api.call("GET /v1/admin/activity", by="eve", query={"hours": "168"}).body["hourly"]) == 168


# Everybody's downloads, steered


@pytest.mark.case("R-13")
@pytest.mark.parametrize("state", [State.FAILED, State.CANCELLED])
def test_an_administrator_retries_anybodys_download(api: Api, state: State) -> None:
    item = put(api, 1, state=state, requested_by="bob", retry_count=3, error_message="gone", completed_at=at(0))
    found = api.call(f"POST /v1/admin/downloads/{item}/retry", by="root")
    shown = (found.status, found.body["status"], found.body["retry_count"], found.body["error_message"])
    assert shown == (200, "PENDING", 0, None)
    events = api.call(f"GET /v1/downloads/{item}/events", by="root")
    api.crate.catch_up()
    events = api.call(f"GET /v1/downloads/{item}/events", by="root")
    assert [(each["event_type"], each["user_id"]) for each in events.body["items"]][-1] == ("ADMIN_RETRY", "root")


@pytest.mark.case("R-14")
@pytest.mark.parametrize("force", ["true", "false"])
@pytest.mark.parametrize(
    ("state", "forced", "unforced"),
    [
        (State.PENDING, 409, 409),
        (State.COMPLETED, 409, 409),
        (State.IN_PROGRESS, 200, 409),
        (State.RETRY_WAITING, 200, 409),
        (State.FAILED, 200, 200),
    ],
)
def test_force_takes_running_work_back(api: Api, state: State, forced: int, unforced: int, force: str) -> None:
    media = a_media() if state is State.COMPLETED else None
    item = put(api, 1, state=state, media=media, next_retry_at=at(600) if state is State.RETRY_WAITING else None)
    found = api.call(f"POST /v1/admin/downloads/{item}/retry", by="root", query={"force": force})
    assert found.status == (forced if force == "true" else unforced)


@pytest.mark.case("R-14")
@pytest.mark.parametrize("download_id", [root_id(9), f"{root_id(9)}-1", "no-id", "%2e%2e"])
def test_an_unknown_download_is_not_retried_or_deleted(api: Api, download_id: str) -> None:
    for call in (f"POST /v1/admin/downloads/{download_id}/retry", f"DELETE /v1/admin/downloads/{download_id}"):
        assert api.call(call, by="root").code == "not_found"


@pytest.mark.case("R-12")
def test_everything_that_failed_is_requeued(api: Api) -> None:
    put(api, 1, state=State.FAILED)
    assert api.call("POST /v1/admin/downloads/retry-failed", by="root").body == {"requeued": 1}
    assert api.call("POST /v1/admin/downloads/retry-failed", by="root").body == {"requeued": 0}


def test_what_is_requeued_can_be_chosen(api: Api) -> None:
    put(api, 1, state=State.FAILED, requested_by="bob", kind=Kind.ALBUM)
    put(api, 2, state=State.FAILED, requested_by="bob")
    query = {"status": "FAILED", "user_id": "bob", "kind": "track", "source": "USER"}
    assert api.call("POST /v1/admin/downloads/retry-failed", by="root", query=query).body == {"requeued": 1}
    assert api.crate.item(root_id(1)).state is State.FAILED
    for wrong in ({"status": "PENDING"}, {"kind": "song"}, {"limit": "5"}):
        assert api.call("POST /v1/admin/downloads/retry-failed", by="root", query=wrong).status == 400


def test_a_deleted_download_is_gone_and_its_history_is_not(api: Api) -> None:
    track = api.crate.track(caller=BOB)
    api.crate.drain()
    gone = api.call(f"DELETE /v1/admin/downloads/{track.id}", by="root")
    assert (gone.status, gone.raw) == (204, "")
    assert api.call(f"GET /v1/downloads/{track.id}", by="bob").status == 404
    assert "DOWNLOAD_DELETED" in api.crate.history(track)


def test_a_child_goes_only_with_its_album(api: Api) -> None:
    api.crate.put(an_album(2), a_child(1), a_child(2))
    refused = api.call(f"DELETE /v1/admin/downloads/{root_id(1)}-1", by="root")
    assert (refused.status, refused.code) == (409, "invalid_state")
