"""`POST /v1/downloads/batch`."""

from typing import Any

import pytest

from cratekeeper.domain.limits import UserLimits
from tests.memory.samples import content_id
from tests.support.api import Api, Response, api_on
from tests.support.crate import Crate, Knobs


def item(name: str, **fields: object) -> dict[str, object]:
    return {"kind": "track", "content_id": content_id(name), **fields}


def batch(api: Api, *items: object, by: str = "alice", **more: object) -> Response:
    return api.call("POST /v1/downloads/batch", by=by, body={"items": [*items], **more})


@pytest.mark.case("B-01")
def test_a_batch_of_three_at_one_priority(api: Api) -> None:
    answer = batch(api, *(item(name) for name in "abc"), priority=3)
    results = answer.body["results"]
    assert answer.status == 202
    assert [(each["index"], each["status"]) for each in results] == [(0, "queued"), (1, "queued"), (2, "queued")]
    made = [api.call(f"GET /v1/downloads/{each['download_id']}").body for each in results]
    assert [each["content_id"] for each in made] == [content_id(name) for name in "abc"]
    assert {(each["status"], each["priority"]) for each in made} == {("PENDING", 3)}
    assert [each["queue_position"] for each in made] == [1, 2, 3]


def test_an_items_own_priority_wins(api: Api) -> None:
    results = batch(api, item("a", priority=2), item("b"), priority=3).body["results"]
    found = [api.call(f"GET /v1/downloads/{each['download_id']}").body["priority"] for each in results]
    assert found == [2, 3]


def test_without_any_priority_it_is_the_users(api: Api) -> None:
    [result] = batch(api, item("a")).body["results"]
    assert api.call(f"GET /v1/downloads/{result['download_id']}").body["priority"] == 2


def test_what_is_skipped_says_why(api: Api) -> None:
    api.crate.track("stored")
    api.crate.drain()
    active = api.crate.track("active").id
    results = batch(api, item("stored"), item("active"), item("new"), item("new")).body["results"]
    new = results[2]["download_id"]
    assert results == [
        {"index": 0, "status": "skipped", "download_id": None, "reason": "already_in_catalog"},
        {"index": 1, "status": "skipped", "download_id": active, "reason": "already_queued"},
        {"index": 2, "status": "queued", "download_id": new},
        {"index": 3, "status": "skipped", "download_id": new, "reason": "already_queued"},
    ]


def test_a_batch_goes_as_far_as_the_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    api = api_on(Crate.of(knobs=Knobs(limits=UserLimits(max_per_day=2, max_queue=9))), monkeypatch)
    answer = batch(api, *(item(name) for name in "abc"))
    assert (answer.status, answer.body["results"][2]["reason"]) == (202, "daily_limit_reached")


@pytest.mark.case("B-02")
@pytest.mark.parametrize(("count", "statuses"), [(0, {400}), (101, {400}), (10_000, {400, 413})])
def test_too_few_or_too_many_are_refused(api: Api, count: int, statuses: set[int]) -> None:
    answer = batch(api, *(item(f"{number}") for number in range(count)))
    assert answer.status in statuses
    assert not api.crate.world.table.parts


def test_a_hundred_are_taken(api: Api) -> None:
    results = batch(api, *(item(f"{number}") for number in range(100))).body["results"]
    assert [each["status"] for each in results] == ["queued"] * 100


@pytest.mark.parametrize(
    "wrong",
    [{"content_id": "short"}, {"kind": "album_image"}, {"priority": 4}, {"priority": None}, {"more": 1}, {"force": 1}],
)
def test_one_invalid_item_refuses_the_batch(api: Api, wrong: dict[str, Any]) -> None:
    answer = batch(api, item("a"), item("b") | wrong)
    assert (answer.status, answer.code) == (400, "invalid_request")
    assert answer.body["errors"][0]["loc"].startswith("body.items.1.")
    assert not api.crate.world.table.parts


@pytest.mark.parametrize("wrong", [{"priority": 0}, {"priority": "2"}, {"more": 1}, {"items": "none"}, {"items": None}])
def test_a_body_of_another_shape_is_refused(api: Api, wrong: dict[str, Any]) -> None:
    answer = api.call("POST /v1/downloads/batch", body={"items": [item("a")], **wrong})
    assert (answer.status, answer.code) == (400, "invalid_request")


@pytest.mark.parametrize("body", [{"priority": 1}, {}])
def test_the_highest_priority_needs_a_permission(api: Api, body: dict[str, Any]) -> None:
    items = [item("a"), item("b") if body else item("b", priority=1)]
    assert batch(api, *items, **body).status == 403
    assert not api.crate.world.table.parts
    assert batch(api, *items, by="root", **body).status == 202


def test_without_a_provider_nothing_is_queued(monkeypatch: pytest.MonkeyPatch) -> None:
    api = api_on(Crate.of(knobs=Knobs(is_configured=False)), monkeypatch)
    answers = [batch(api, item("a"), by="eve"), batch(api), batch(api, item("a"))]
    assert [answer.status for answer in answers] == [403, 400, 503]
