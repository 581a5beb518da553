from base64 import b64encode
from typing import Any

import pytest
from pydantic import BaseModel

from cratekeeper.api.parameters import Flag, Paged
from cratekeeper.api.request import Request
from cratekeeper.domain.access import Caller
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
    assert (request.method, request.raw_path) == ("GET", "/")
    assert (request.token, request.request_id, request.caller) == (None, None, None)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("/v1/a b/ø?", "/v1/a b/ø?"),  # decoded by API Gateway
        ("/v1/a%2525", "/v1/a%25"),  # all but this escape
        ("/v1/a%252F", "/v1/a%2F"),
        ("///v1/a//b/", "/v1/a//b/"),
    ],
)
def test_a_path_is_decoded_once(given: str, expected: str) -> None:
    assert a_request(rawPath=given).raw_path == expected


def test_a_body_that_is_no_text_is_a_body_that_is_wrong() -> None:
    with pytest.raises(Invalid):
        a_request(body='{"word": "\ud800"}').body(Body)


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


class Filters(Paged):
    status: State | None = None
    active: Flag | None = None


def filters(**query: str) -> Filters:
    return a_request(queryStringParameters=query or None).params(Filters)


def test_parameters_that_are_left_out_have_their_defaults() -> None:
    assert filters() == Filters(limit=50, cursor=None, status=None, active=None)


def test_parameters_are_read_as_what_they_are() -> None:
    found = filters(limit="200", cursor="c", status="FAILED", active="false")
    assert (found.limit, found.cursor, found.status, found.active) == (200, "c", State.FAILED, False)
    assert filters(active="true").active is True


@pytest.mark.case("Q-13")
@pytest.mark.parametrize("given", ["0", "-1", "201", "word", "", " 5", "5.0", "1e1", "+5", "1_0", "\u0665", "9" * 5000])
def test_a_page_has_1_to_200_items(given: str) -> None:
    with pytest.raises(Invalid) as refused:
        filters(limit=given)
    assert [loc for loc, _ in refused.value.errors] == ["query.limit"]


@pytest.mark.parametrize("given", ["True", "1", "", "yes"])
def test_a_flag_is_true_or_false(given: str) -> None:
    with pytest.raises(Invalid, match="not true or false"):
        filters(active=given)


@pytest.mark.case("Q-14")
@pytest.mark.parametrize("given", ["failed", "", "FAILED,PENDING", "UNKNOWN"])
def test_a_choice_is_one_of_its_enumeration(given: str) -> None:
    with pytest.raises(Invalid, match="PENDING"):
        filters(status=given)


def test_parameters_that_a_route_does_not_know_are_named() -> None:
    with pytest.raises(Invalid) as refused:
        filters(b="", limit="1", state="")
    assert [loc for loc, _ in refused.value.errors] == ["query.b", "query.state"]


def test_what_the_edge_has_checked_is_not_read_again() -> None:
    request = a_request(queryStringParameters={"limit": "7"}, body='{"word": "w"}').checked_by(Filters, Body)
    assert request.params(Filters) is request.params(Filters)
    assert request.body(Body) is request.body(Body)
    assert (request.params(Filters).limit, request.body(Body).word) == (7, "w")


def test_no_body_is_an_empty_one() -> None:
    class Optional(BaseModel):
        word: str = "none"

    assert a_request().body(Optional).word == "none"
    with pytest.raises(Invalid, match=r"body\.word: Field required"):
        a_request().body(Body)


def test_a_public_route_has_no_caller() -> None:
    with pytest.raises(RuntimeError, match="public"):
        _ = a_request().who


def test_a_cursors_scope_is_caller_route_path_and_filters() -> None:
    def scope(caller: Caller = ALICE, **more: Any) -> str:
        plain: dict[str, Any] = {"route": "GET /v1/a", "path": {}, "query": {}}
        return Request(method="GET", raw_path="/", headers={}, raw_body=b"", caller=caller, **{**plain, **more}).scope()

    others = {
        scope(BOB),
        scope(route="GET /v1/other"),
        scope(path={"id": "x"}),
        scope(query={"status": "FAILED"}),
    }
    assert len(others | {scope()}) == 5
    assert scope(query={"limit": "1", "cursor": "c"}) == scope()
