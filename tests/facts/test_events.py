"""The routes of the HTTP API, and one real event for each trigger."""

import json
import re
from typing import Any

import pytest

from cratekeeper.api.routing import find
from cratekeeper.domain.ids import is_download_id
from tests.facts import template
from tests.support import gateway
from tests.support.api import handled
from tests.support.events import TOKEN, EventFile, all_events, queue_url

GATEWAY = {
    "ANY /v1/downloads": "requests",
    "ANY /v1/downloads/{proxy+}": "requests",
    "ANY /v1/limits": "requests",
    "ANY /v1/queue": "requests",
    "ANY /v1/downloads/discography": "search",
    "ANY /v1/search": "search",
    "ANY /v1/artists/{proxy+}": "search",
    "ANY /v1/catalog/{proxy+}": "search",
    "ANY /v1/media/{proxy+}": "search",
    "ANY /v1/plays": "search",
    "ANY /v1/admin/{proxy+}": "admin",
    "ANY /health": "search",
    "ANY /openapi.json": "search",
    "ANY /docs": "search",
    "ANY /docs/{proxy+}": "search",
    "$default": "search",
}
"""Every route of API Gateway and who answers it."""

OPEN = {"GET /health", "GET /openapi.json", "GET /docs", "GET /docs/{file}"}
"""Routes that ask for no key."""

WITHOUT_KEY = {"search_health", "search_openapi", "search_docs", "search_docs_file", "requests_no_key"}
"""Events that carry none; the last one shows the refusal."""

http_events = pytest.mark.parametrize("event", [each for each in all_events() if each.route], ids=str)


# --- Routes --------------------------------------------------------------------------


def test_every_route_exists_once() -> None:
    deployed = [(key, function.folder) for key, function in template.routes()]
    assert sorted(deployed) == sorted(GATEWAY.items())


@pytest.mark.case("Q-16")
def test_every_path_of_a_handler_leads_to_it_whatever_the_method() -> None:
    led = {
        (folder, key): gateway.route_of(method, key.split()[1].replace("{", "").replace("}", ""))[1]
        for folder, key, _ in handled()
        for method in ("GET", "POST", "PATCH", "DELETE", "OPTIONS")
    }
    assert {folder_and_key: folder for folder_and_key, folder in led.items() if folder_and_key[0] != folder} == {}


def test_no_handler_takes_a_path_of_another() -> None:
    keys = [key for _, key, _ in handled()]
    assert len(keys) == len(set(keys))


def test_every_route_asks_for_a_permission_but_the_open_ones() -> None:
    assert {key for _, key, route in handled() if route.permission is None} == OPEN


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
    assert {key.split()[0] for _, key, _ in handled()} <= set(cors["AllowMethods"])
    assert "AllowCredentials" not in cors


# --- Events --------------------------------------------------------------------------


def test_every_event_is_for_a_deployed_function_and_every_function_has_one() -> None:
    assert {event.function for event in all_events()} == {each.folder for each in template.functions()}
    assert [str(event) for event in all_events() if not event.case] == []


def test_every_route_has_an_event_that_its_function_gets() -> None:
    shown = {(event.function, _handler_key(event)) for event in all_events() if event.route}
    assert [(folder, key) for folder, key, _ in handled() if (folder, key) not in shown] == []
    assert {event.route for event in all_events() if event.route} == GATEWAY.keys()


@http_events
def test_an_http_event_agrees_with_itself(event: EventFile) -> None:
    http = event.content["requestContext"]["http"]
    assert event.content["version"] == "2.0"
    assert http["path"] == event.content["rawPath"]
    assert event.content["requestContext"]["routeKey"] == event.route
    assert gateway.route_of(http["method"], http["path"]) == (event.route, event.function)
    assert event.content["headers"].keys() == {name.lower() for name in event.content["headers"]}
    parameters = event.content.get("pathParameters", {})
    assert f"{event.route}".replace("+}", "}").format(**parameters) in {f"ANY {http['path']}", "$default"}


@http_events
def test_an_http_event_carries_the_example_key_or_is_there_to_show_none(event: EventFile) -> None:
    headers = event.content["headers"]
    assert headers.get("authorization") == (None if str(event) in WITHOUT_KEY else f"Bearer {TOKEN}")


@pytest.mark.parametrize(
    "event", [each for each in all_events() if each.function == "processor" and "Records" in each.content], ids=str
)
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


def _handler_key(event: EventFile) -> str | None:
    """The key of the view that answers an event; None for a refusal."""
    found = find([key for folder, key, _ in handled() if folder == event.function], event.content["rawPath"])
    return found and found.methods.get(event.content["requestContext"]["http"]["method"])


def _event(name: str) -> dict[str, Any]:
    (found,) = [each.content for each in all_events() if str(each) == name]
    return found
