from base64 import b64encode
from typing import Any

import pytest
from pydantic import BaseModel

from cratekeeper.api.request import Request
from cratekeeper.domain.errors import Invalid
from cratekeeper.domain.states import State
from tests.support.crate import ALICE, BOB


class Body(BaseModel):
    word: str


def a_request(**event: Any) -> Request:
    return Request.of({"routeKey": "GET /v1/downloads", **event})


def test_an_event_may_leave_out_what_it_has_none_of() -> None:
    request = Request.of({})
    assert (request.route, request.path, request.query, request.headers, request.raw_body) == (
        "$default",
        {},
        {},
        {},
        b"",
    )
    assert (request.token, request.request_id, request.caller) == (None, None, None)


@pytest.mark.parametrize(
    "event",
    [{"body": '{"word": "ø"}'}, {"body": b64encode('{"word": "ø"}'.encode()).decode(), "isBase64Encoded": True}],
)
def test_a_body_is_read_in_either_encoding(event: dict[str, Any]) -> None:
    assert a_request(**event).body(Body) == Body(word="ø")


def test_headers_are_read_in_any_case() -> None:
    assert a_request(headers={"X-REQUEST-Id": "r", "AUTHORIZATION": "Bearer t"}).request_id == "r"
    assert a_request(headers={"AUTHORIZATION": "Bearer t"}).token == "t"


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer  ", "Basic t", "t"])
def test_any_other_authorization_is_no_token(header: str) -> None:
    assert a_request(headers={"authorization": header}).token is None


def test_a_wrong_body_names_each_wrong_field() -> None:
    class Wide(BaseModel):
        a: int
        b: list[int]

    with pytest.raises(Invalid) as refused:
        a_request(body='{"a": "x", "b": [1, "y"]}').body(Wide)
    assert [loc for loc, _ in refused.value.errors] == ["body.a", "body.b.1"]


def test_what_is_told_of_a_wrong_body_is_bounded() -> None:
    class Many(BaseModel):
        numbers: list[int]

    with pytest.raises(Invalid) as refused:
        a_request(body=f'{{"numbers": [{", ".join(["null"] * 1000)}]}}').body(Many)
    assert len(refused.value.errors) == 50
    assert str(refused.value).count(";") == 4


def test_what_a_caller_sent_is_not_sent_back() -> None:
    with pytest.raises(Invalid) as refused:
        a_request(body='{"word": {"secret": "canary"}}').body(Body)
    assert "canary" not in str(refused.value) + str(refused.value.errors)


def test_known_query_parameters_pass_and_unknown_ones_are_named() -> None:
    request = a_request(queryStringParameters={"limit": "1", "b": "", "a": ""})
    request.only("limit", "a", "b")
    with pytest.raises(Invalid, match="unknown query parameter: a, b"):
        request.only("limit")


@pytest.mark.parametrize(("given", "expected"), [(None, None), ("true", True), ("false", False)])
def test_a_flag_is_true_or_false(given: str | None, expected: bool | None) -> None:
    assert a_request(queryStringParameters={"active": given} if given else None).flag("active") is expected


@pytest.mark.parametrize("given", ["True", "1", "", "yes"])
def test_any_other_flag_is_refused(given: str) -> None:
    with pytest.raises(Invalid, match="active must be true or false"):
        a_request(queryStringParameters={"active": given}).flag("active")


def test_a_choice_is_one_of_its_enumeration() -> None:
    assert a_request().choice("status", State) is None
    assert a_request(queryStringParameters={"status": "FAILED"}).choice("status", State) is State.FAILED
    with pytest.raises(Invalid, match="status must be one of PENDING, IN_PROGRESS"):
        a_request(queryStringParameters={"status": "failed"}).choice("status", State)


def test_a_public_route_has_no_caller() -> None:
    with pytest.raises(RuntimeError, match="public"):
        _ = a_request().who


def test_a_cursors_scope_is_caller_route_path_and_filters() -> None:
    def scope(caller: object = ALICE, *names: str, **event: Any) -> str:
        request = a_request(**event)
        return Request(
            route=request.route,
            path=request.path,
            query=request.query,
            headers={},
            raw_body=b"",
            caller=ALICE if caller is ALICE else BOB,
        ).scope(*names)

    plain = scope()
    others = {
        scope(BOB),
        scope(ALICE, routeKey="GET /v1/other"),
        scope(ALICE, pathParameters={"id": "x"}),
        scope(ALICE, "status", queryStringParameters={"status": "FAILED"}),
    }
    assert len(others | {plain}) == 5
    assert scope(ALICE, queryStringParameters={"limit": "1", "cursor": "c"}) == plain
