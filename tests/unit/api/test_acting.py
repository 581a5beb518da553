"""Actions on one download and on many, and why one does not run."""

from typing import Any

import pytest

from cratekeeper.domain.failures import ErrorType
from tests.support.api import Api, Response
from tests.support.builders import root_id

UNKNOWN = root_id(7)
ACTIONS = ("cancel", "pause", "resume", "retry")


def act(api: Api, download_id: str, action: str, *, by: str = "alice", **body: object) -> Response:
    return api.call(f"POST /v1/downloads/{download_id}/{action}", by=by, **({"body": body} if body else {}))


def act_on(api: Api, *ids: str, by: str = "alice", **body: object) -> Response:
    return api.call("POST /v1/downloads/batch-action", by=by, body={"ids": [*ids], **body})


@pytest.mark.case("X-01", "X-03", "X-04")
def test_a_download_is_paused_resumed_and_cancelled(api: Api) -> None:
    item = api.crate.track()
    answers = [act(api, item.id, action) for action in ("pause", "resume", "cancel")]
    assert [(answer.status, answer.body["status"]) for answer in answers] == [
        (200, "PAUSED"),
        (200, "PENDING"),
        (200, "CANCELLED"),
    ]
    assert answers[0].body["paused_from"] == "PENDING"
    assert answers[1].body["queue_position"] == 1


@pytest.mark.case("T-17")
def test_a_failed_download_is_retried(api: Api) -> None:
    item = api.crate.track()
    api.crate.world.provider.fail("audio", item.content_id, ErrorType.REJECTED)
    api.crate.drain()
    answer = act(api, item.id, "retry")
    assert (answer.status, answer.body["status"], answer.body["error_type"]) == (200, "PENDING", None)


@pytest.mark.case("T-12")
@pytest.mark.parametrize("action", ["resume", "retry"])
def test_an_action_that_the_state_does_not_allow_names_the_state(api: Api, action: str) -> None:
    item = api.crate.track()
    answer = act(api, item.id, action)
    assert (answer.status, answer.code) == (409, "invalid_state")
    assert "PENDING" in answer.body["detail"]


@pytest.mark.case("X-04")
@pytest.mark.parametrize("action", ACTIONS)
def test_foreign_unknown_and_malformed_ids_answer_alike(api: Api, action: str) -> None:
    theirs = api.crate.track().id
    answers = [
        api.call(f"POST /v1/downloads/{each}/{action}", by="bob", headers={"X-Request-ID": "r"})
        for each in (theirs, UNKNOWN, "nothing", f"{theirs}-1")
    ]
    assert {answer.status for answer in answers} == {404}
    assert len({answer.raw for answer in answers}) == 1


def test_who_edits_the_catalog_acts_on_everybodys(api: Api) -> None:
    item = api.crate.track()
    assert act(api, item.id, "cancel", by="root").body["status"] == "CANCELLED"
    assert act(api, item.id, "cancel", by="eve").status == 403


def test_a_priority_is_changed(api: Api) -> None:
    item = api.crate.track()
    answer = act(api, item.id, "priority", priority=3)
    assert (answer.status, answer.body["priority"]) == (200, 3)
    assert act(api, item.id, "priority", priority=1).status == 403
    assert act(api, item.id, "priority", priority=1, by="root").body["priority"] == 1


@pytest.mark.parametrize("body", [{}, {"priority": 0}, {"priority": 4}, {"priority": "2"}, {"priority": 2, "x": 1}])
def test_a_priority_of_another_shape_is_refused(api: Api, body: dict[str, Any]) -> None:
    item = api.crate.track()
    answer = api.call(f"POST /v1/downloads/{item.id}/priority", body=body)
    assert (answer.status, answer.code) == (400, "invalid_request")
    assert api.crate.item(item).lane == 2


@pytest.mark.case("B-03")
def test_five_waiting_downloads_are_cancelled_together(api: Api) -> None:
    items = [api.crate.track(name) for name in "abcde"]
    answer = act_on(api, *(item.id for item in items), action="cancel")
    assert answer.status == 200
    assert {name: answer.body[name] for name in ("total", "successful", "failed", "errors")} == {
        "total": 5,
        "successful": 5,
        "failed": 0,
        "errors": [],
    }
    assert answer.body["results"] == [{"id": item.id, "status": "CANCELLED"} for item in items]
    assert {api.crate.item(item).state for item in items} == {"CANCELLED"}


@pytest.mark.case("B-04")
@pytest.mark.parametrize("wrong", [UNKNOWN, "nothing"])
def test_one_unknown_id_leaves_the_others_alone(api: Api, wrong: str) -> None:
    first, second = api.crate.track("a"), api.crate.track("b")
    body = act_on(api, first.id, wrong, second.id, action="pause").body
    assert (body["total"], body["successful"], body["failed"]) == (3, 2, 1)
    assert body["errors"] == [{"id": wrong, "code": "not_found"}]
    assert [each["status"] for each in body["results"]] == ["PAUSED", "PAUSED"]


def test_each_is_refused_for_its_own_reason(api: Api) -> None:
    mine, theirs = api.crate.track("a"), api.crate.track("b")
    body = act_on(api, mine.id, theirs.id, action="resume", by="bob").body
    assert {each["code"] for each in body["errors"]} == {"not_found"}
    body = act_on(api, mine.id, mine.id, action="resume").body
    assert (body["total"], body["errors"]) == (1, [{"id": mine.id, "code": "invalid_state"}])


def test_many_are_moved_to_a_priority(api: Api) -> None:
    items = [api.crate.track(name) for name in "ab"]
    assert act_on(api, *(item.id for item in items), action="priority", priority=3).body["successful"] == 2
    assert {api.crate.item(item).lane for item in items} == {3}
    assert act_on(api, items[0].id, action="priority", priority=1).status == 403
    assert act_on(api, items[0].id, action="cancel", priority=1).body["successful"] == 1


@pytest.mark.case("B-05")
@pytest.mark.parametrize(
    "body",
    [
        {"action": "delete"},
        {"action": "priority"},
        {"action": "priority", "priority": None},
        {"action": "priority", "priority": 4},
        {"action": None},
        {},
        {"action": "cancel", "more": 1},
        {"action": "cancel", "ids": "all"},
        {"action": "cancel", "ids": [7]},
    ],
)
def test_a_call_of_another_shape_changes_nothing(api: Api, body: dict[str, Any]) -> None:
    item = api.crate.track()
    answer = api.call("POST /v1/downloads/batch-action", body={"ids": [item.id], **body})
    assert (answer.status, answer.code) == (400, "invalid_request")
    assert api.crate.item(item) == item


@pytest.mark.case("B-02")
@pytest.mark.parametrize(("count", "statuses"), [(0, {400}), (101, {400}), (10_000, {400, 413})])
def test_too_few_or_too_many_ids_change_nothing(api: Api, count: int, statuses: set[int]) -> None:
    item = api.crate.track()
    assert act_on(api, *[item.id] * count, action="cancel").status in statuses
    assert api.crate.item(item) == item


def test_why_a_download_does_not_run(api: Api) -> None:
    for name in "abc":
        api.crate.track(name)
    item = api.crate.track("d")
    answer = api.call(f"GET /v1/downloads/{item.id}/explain")
    assert answer.status == 200
    assert answer.body["blockers"]
    assert all({"code", "detail"} <= {*each} <= {"code", "detail", "ends_at"} for each in answer.body["blockers"])
    act(api, item.id, "cancel")
    assert api.call(f"GET /v1/downloads/{item.id}/explain").body == {"blockers": []}


def test_only_who_may_see_it_learns_why(api: Api) -> None:
    item = api.crate.track()
    assert api.call(f"GET /v1/downloads/{item.id}/explain", by="bob").status == 404
    assert api.call(f"GET /v1/downloads/{item.id}/explain", by="root").status == 200
