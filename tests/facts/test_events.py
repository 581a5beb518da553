"""The routes of the HTTP API, and one real event for each trigger."""

import json
import re
from importlib import import_module
from typing import Any

import pytest

from cratekeeper.api.edge import Route
from cratekeeper.domain.ids import is_download_id
from tests.facts import template
from tests.support.events import TOKEN, EventFile, all_events, queue_url

ROUTES = {
    "POST /v1/downloads": "requests",
    "GET /v1/downloads": "requests",
    "GET /v1/downloads/{id}": "requests",
    "GET /v1/downloads/{id}/children": "requests",
    "GET /v1/downloads/{id}/events": "requests",
    "GET /v1/limits": "requests",
    "GET /v1/queue": "requests",
    "GET /health": "search",
    "$default": "search",
}
"""Every route and who answers it."""

OPEN = {"GET /health"}
"""Routes that ask for no key."""

WITHOUT_KEY = {"search_health", "requests_no_key"}
"""Events that carry none; the second one shows the refusal."""

http_events = pytest.mark.parametrize("event", [each for each in all_events() if each.route], ids=str)


# --- Routes --------------------------------------------------------------------------


def test_every_route_exists_once() -> None:
    deployed = [(key, function.folder) for key, function in template.routes()]
    assert sorted(deployed) == sorted(ROUTES.items())


def test_the_handlers_answer_the_routes_of_the_template() -> None:
    answered = {(key, folder) for folder, routes in _handled().items() for key in routes}
    assert answered == {(key, folder) for key, folder in ROUTES.items() if key != "$default"}


def test_every_route_asks_for_a_permission_but_the_open_ones() -> None:
    permissions = {key: route.permission for routes in _handled().values() for key, route in routes.items()}
    assert {key for key, permission in permissions.items() if permission is None} == OPEN


def _handled() -> dict[str, dict[str, Route]]:
    return {folder: import_module(f"functions.{folder}.handler").ROUTES for folder in set(ROUTES.values())}


def test_who_needs_no_key_is_not_decided_in_the_template() -> None:
    # The functions identify callers, default-deny: an authorizer's cached answer would serve every route.
    assert "Auth" not in template.properties("HttpApi")
    assert [
        event for each in template.functions() for event in each.events("HttpApi").values() if "Auth" in event
    ] == []


def test_the_api_is_throttled_and_logged() -> None:
    api = template.properties("HttpApi")
    limits = api["DefaultRouteSettings"]
    assert 1 <= limits["ThrottlingRateLimit"] <= limits["ThrottlingBurstLimit"]
    log_group = template.target(api["AccessLogSettings"]["DestinationArn"])
    assert 1 <= template.properties(log_group)["RetentionInDays"] <= 365


def test_the_access_log_is_json_and_shows_no_secret() -> None:
    line = json.loads(template.properties("HttpApi")["AccessLogSettings"]["Format"])
    assert {"requestId", "route", "status", "latencyMs"} <= line.keys()
    assert [value for value in line.values() if re.search("auth|header|query", value, re.IGNORECASE)] == []


def test_a_page_elsewhere_may_send_and_read_our_headers() -> None:
    cors = template.properties("HttpApi")["CorsConfiguration"]
    assert {"authorization", "content-type", "idempotency-key", "if-none-match"} <= set(cors["AllowHeaders"])
    assert {"etag", "location", "retry-after"} <= set(cors["ExposeHeaders"])
    assert {key.split()[0] for key in ROUTES if " " in key} <= set(cors["AllowMethods"])
    assert "AllowCredentials" not in cors


# --- Events --------------------------------------------------------------------------


def test_every_event_is_for_a_deployed_function_and_every_function_has_one() -> None:
    assert {event.function for event in all_events()} == {each.folder for each in template.functions()}
    assert [str(event) for event in all_events() if not event.case] == []


def test_every_route_has_an_event_that_its_function_gets() -> None:
    shown = {(event.route, event.function) for event in all_events() if event.route}
    assert shown == set(ROUTES.items())


@http_events
def test_an_http_event_agrees_with_itself(event: EventFile) -> None:
    http = event.content["requestContext"]["http"]
    assert event.content["version"] == "2.0"
    assert http["path"] == event.content["rawPath"]
    assert event.content["requestContext"]["routeKey"] == event.route
    assert event.content["headers"].keys() == {name.lower() for name in event.content["headers"]}
    if event.route != "$default":
        wanted = f"{event.route}".format(**event.content.get("pathParameters", {}))
        assert f"{http['method']} {http['path']}" == wanted


@http_events
def test_an_http_event_carries_the_example_key_or_is_there_to_show_none(event: EventFile) -> None:
    headers = event.content["headers"]
    assert headers.get("authorization") == (None if str(event) in WITHOUT_KEY else f"Bearer {TOKEN}")
    assert (str(event) == "requests_no_key") or event.route not in OPEN or "authorization" not in headers


@pytest.mark.parametrize("event", [each for each in all_events() if each.function == "processor"], ids=str)
def test_a_message_comes_alone_from_a_lane(event: EventFile) -> None:
    (record,) = event.content["Records"]
    names = {queue_url(source.queue).rpartition("/")[2] for source in template.queue_sources()}
    assert record["eventSourceARN"].rpartition(":")[2] in names
    assert record["eventSource"] == "aws:sqs"


@pytest.mark.parametrize("name", ["processor_album", "processor_child"])
def test_a_ring_says_only_which_download(name: str) -> None:
    (record,) = _event(name)["Records"]
    ring = json.loads(record["body"])
    assert ring.keys() == {"id"}
    assert is_download_id(ring["id"])


def test_the_stream_event_shows_both_images_of_a_transition() -> None:
    records = _event("projector_transitions")["Records"]
    assert {record["eventName"] for record in records} == {"INSERT", "MODIFY", "REMOVE"}
    keys = {name for each in template.properties("QueueTable")["KeySchema"] for name in [each["AttributeName"]]}
    for record in records:
        change = record["dynamodb"]
        assert change["Keys"].keys() == keys
        assert ("OldImage" in change, "NewImage" in change) == {
            "INSERT": (False, True),
            "MODIFY": (True, True),
            "REMOVE": (True, False),
        }[record["eventName"]]


def test_the_tick_comes_from_the_rule_of_the_template() -> None:
    (name,) = template.function_of("dispatcher").events("Schedule")
    assert f"DispatcherFunction{name}" in _event("dispatcher_tick")["resources"][0]


def _event(name: str) -> dict[str, Any]:
    (found,) = [each.content for each in all_events() if str(each) == name]
    return found
