"""One download, its children and its history; limits and the queue."""

from typing import Any

import pytest

from cratekeeper.domain.failures import ErrorType
from cratekeeper.domain.ids import child_id
from cratekeeper.domain.models import Tally
from cratekeeper.domain.states import State
from tests.memory.samples import content_id
from tests.support.api import Api, Response
from tests.support.builders import ROOT, a_child, a_download, a_media, an_album, at, root_id

TRACK = content_id("track")
NO_ONE = root_id(7)


def create(api: Api, *, by: str = "alice", **body: object) -> Response:
    return api.call("POST /v1/downloads", by=by, body={"kind": "track", "content_id": TRACK, **body})


@pytest.mark.case("T-15")
@pytest.mark.parametrize("part", ["", "/children", "/events"])
def test_unknown_foreign_and_malformed_ids_answer_alike(api: Api, part: str) -> None:
    """I29: byte by byte, but for the request's own id."""
    mine = create(api, by="bob").body["id"]
    answers = [
        api.call(f"GET /v1/downloads/{each}{part}", headers={"X-Request-ID": "r"})
        for each in (mine, NO_ONE, "nothing", f"{mine}-1")
    ]
    assert {answer.status for answer in answers} == {404}
    assert len({answer.raw for answer in answers}) == 1


def test_a_download_has_every_field_of_the_contract(api: Api) -> None:
    api.crate.put(an_album(2), a_child(1, state=State.COMPLETED, media=a_media()), a_child(2))
    found = api.call(f"GET /v1/downloads/{ROOT}").body
    assert set(found) == {
        "id", "kind", "content_id", "content_name", "artist_name", "parent_id", "status", "priority", "source",
        "requested_by", "created_at", "started_at", "completed_at", "updated_at", "next_retry_at", "attempts",
        "retry_count", "max_retries", "error_type", "error_message", "bytes_downloaded", "duration_ms", "partial",
        "paused_from", "queue_position", "progress",
    }  # fmt: skip
    assert (found["created_at"], found["progress"]["percent"]) == ("2026-11-21T08:00:00.000Z", 50)


def test_only_a_completed_single_download_has_media(api: Api) -> None:
    media = a_media(5)
    api.crate.put(a_download(state=State.COMPLETED, media=media), a_download(NO_ONE, media=media))
    assert api.call(f"GET /v1/downloads/{ROOT}").body["media"] == {
        "key": media.key,
        "size": 5,
        "sha256": media.sha256,
        "content_type": "audio/wav",
    }
    assert "media" not in api.call(f"GET /v1/downloads/{NO_ONE}").body


@pytest.mark.parametrize(
    ("sent", "status"), [("{}", 304), ("W/{}", 304), ('"x", {}', 304), ("*", 304), ('"x"', 200), ("", 200)]
)
def test_an_unchanged_download_is_not_sent_again(api: Api, sent: str, status: int) -> None:
    api.crate.put(a_download())
    etag = api.call(f"GET /v1/downloads/{ROOT}").headers["ETag"]
    answer = api.call(f"GET /v1/downloads/{ROOT}", headers={"If-None-Match": sent.format(etag)})
    assert (answer.status, answer.headers["ETag"]) == (status, etag)
    assert (answer.raw == "") is (status == 304)


def test_an_etag_covers_the_whole_representation(api: Api) -> None:
    etags = set()
    for fields in ({}, {"attempts": 1}, {"error_type": ErrorType.BUSY}, {"updated_at": at(0.001)}):
        api.crate.put(a_download(**fields))
        etags.add(api.call(f"GET /v1/downloads/{ROOT}").headers["ETag"])
    assert len(etags) == 4


@pytest.mark.case("P-01")
def test_children_are_listed_in_album_order(api: Api) -> None:
    api.crate.put(an_album(12), *(a_child(ordinal) for ordinal in range(1, 13)))
    first = api.call(f"GET /v1/downloads/{ROOT}/children", query={"limit": "10"}).body
    last = api.call(f"GET /v1/downloads/{ROOT}/children", query={"limit": "10", "cursor": first["next_cursor"]}).body
    items = first["items"] + last["items"]
    assert [item["id"] for item in items] == [child_id(ROOT, ordinal) for ordinal in range(1, 13)]
    assert {(item["parent_id"], item["queue_position"]) for item in items} == {(ROOT, None)}
    assert last["next_cursor"] is None


@pytest.mark.case("A-01")
def test_the_history_of_a_track_is_told_oldest_first(api: Api) -> None:
    item = api.crate.track()
    api.crate.drain()
    answer = api.call(f"GET /v1/downloads/{item.id}/events", query={"limit": "2"}).body
    rest = api.call(f"GET /v1/downloads/{item.id}/events", query={"cursor": answer["next_cursor"]}).body
    entries = answer["items"] + rest["items"]
    assert [entry["event_type"] for entry in entries] == ["REQUEST_CREATED", "DOWNLOAD_STARTED", "DOWNLOAD_COMPLETED"]
    assert entries[0] == {
        "id": f"{item.id}:1",
        "timestamp": "2026-11-21T08:00:00.000Z",
        "event_type": "REQUEST_CREATED",
        "download_id": item.id,
        "kind": "track",
        "content_id": item.content_id,
        "user_id": "alice",
        "source": "USER",
        "details": {},
    }
    assert api.call(f"GET /v1/downloads/{NO_ONE}/events").status == 404


@pytest.mark.case("L-01")
def test_the_limits_of_a_new_user(api: Api) -> None:
    assert api.call("GET /v1/limits").body == {
        "user": {
            "requests_today": 0,
            "max_per_day": 100,
            "in_queue": 0,
            "max_queue": 200,
            "can_request": True,
            "resets_at": "2026-11-22T00:00:00.000Z",
        },
        "global": {
            "albums_this_hour": 0,
            "max_per_hour": 10,
            "albums_today": 0,
            "max_per_day": 60,
            "at_capacity": False,
            "resets_at": "2026-11-21T09:00:00.000Z",
        },
    }


@pytest.mark.case("L-14")
def test_unlimited_is_minus_one(api: Api) -> None:
    mine = api.call("GET /v1/limits", by="root").body["user"]
    assert (mine["max_per_day"], mine["max_queue"], mine["can_request"]) == (-1, -1, True)


@pytest.mark.case("Q-17")
def test_a_fresh_queue(api: Api) -> None:
    assert api.call("GET /v1/queue").body == {
        "paused": False,
        "max_concurrent": 3,
        "active": 0,
        "pending": 0,
        "retry_waiting": 0,
        "by_priority": {"1": 0, "2": 0, "3": 0},
    }


@pytest.mark.parametrize(("limit", "shown"), [(7, 7), (None, -1)])
def test_a_paused_queue_tells_why(api: Api, limit: int | None, shown: int) -> None:
    api.crate.permit(paused=True, paused_reason="tidying", limit=limit)
    api.crate.put(a_download(), a_download(NO_ONE))
    found = api.call("GET /v1/queue").body
    assert (found["paused"], found["paused_reason"], found["max_concurrent"]) == (True, "tidying", shown)
    assert found["pending"] == sum(found["by_priority"].values()) == 2


def test_an_ended_album_shows_its_final_progress(api: Api) -> None:
    tally = Tally(completed=2, failed=1)
    api.crate.put(an_album(3, state=State.FAILED, final=tally, bytes_downloaded=9, partial=True))
    found = api.call(f"GET /v1/downloads/{ROOT}").body
    parts: dict[str, Any] = found["progress"]
    assert (found["partial"], parts["percent"], parts["bytes"]) == (True, 100, 9)
    assert sum(parts[name] for name in parts if name not in {"total", "percent", "bytes"}) == parts["total"] == 3
