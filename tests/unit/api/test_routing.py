"""From method and path to the view."""

import pytest

from cratekeeper.api.routing import find
from tests.support.api import Api
from tests.support.builders import ROOT, a_download

KEYS = (
    "GET /a/{id}",
    "DELETE /a/{id}",
    "POST /a/batch",
    "GET /a/{id}/parts",
    "GET /a/batch/{part}",
    "GET /{any}/batch/parts",
    "GET /",
)


@pytest.mark.parametrize(
    ("path", "key", "parameters"),
    [
        ("/a/1", "GET /a/{id}", {"id": "1"}),
        ("/a/{id}", "GET /a/{id}", {"id": "{id}"}),
        ("/a/ø é", "GET /a/{id}", {"id": "ø é"}),
        ("/a/..", "GET /a/{id}", {"id": ".."}),
        ("/a/batched", "GET /a/{id}", {"id": "batched"}),
        ("/a/1/parts", "GET /a/{id}/parts", {"id": "1"}),
        ("/a/batch/1", "GET /a/batch/{part}", {"part": "1"}),
        ("/a/batch/parts", "GET /a/batch/{part}", {"part": "parts"}),  # the first segment that differs decides
        ("/b/batch/parts", "GET /{any}/batch/parts", {"any": "b"}),
        ("/", "GET /", {}),
    ],
)
def test_the_most_literal_path_is_found(path: str, key: str, parameters: dict[str, str]) -> None:
    found = find(KEYS, path)
    assert found
    assert (found.methods["GET"], found.parameters) == (key, parameters)


@pytest.mark.parametrize("path", ["", "a/1", "/a", "/a/", "/a//parts", "/a/1/", "/A/1", "/a/1/parts/2", "//a/1"])
def test_no_other_path_is(path: str) -> None:
    assert find(KEYS, path) is None


def test_a_literal_is_never_taken_for_a_parameter_whatever_the_method() -> None:
    found = find(KEYS, "/a/batch")
    assert found
    assert found.methods == {"POST": "POST /a/batch"}


@pytest.mark.parametrize(
    ("route", "allow"),
    [
        ("DELETE /v1/limits", "GET, HEAD, OPTIONS"),
        ("PUT /v1/downloads", "GET, HEAD, OPTIONS, POST"),
        (f"PATCH /v1/downloads/{ROOT}/children", "GET, HEAD, OPTIONS"),
        ("POST /health", "GET, HEAD, OPTIONS"),
        ("get /health", "GET, HEAD, OPTIONS"),
    ],
)
def test_a_known_path_says_which_methods_it_has(api: Api, route: str, allow: str) -> None:
    answer = api.call(route)
    assert (answer.status, answer.code, answer.headers["Allow"]) == (405, "method_not_allowed", allow)
    if "/v1" in route:
        assert api.call(route, by=None).status == 401
    asked = api.call(f"OPTIONS {route.split()[1]}", by=None)
    assert (asked.status, asked.headers["Allow"], asked.raw) == (204, allow, "")


def test_head_is_get_without_a_body(api: Api) -> None:
    api.crate.put(a_download())
    head, get = (api.call(f"{each} /v1/downloads/{ROOT}", headers={"X-Request-ID": "r"}) for each in ("HEAD", "GET"))
    assert (head.status, head.headers, head.raw) == (get.status, get.headers, "")
    assert api.call("HEAD /v1/downloads/unknown").status == 404
    assert api.call("HEAD /v1/limits", by=None).raw == ""


def test_the_paths_case_and_slashes_count_but_for_those_before_it(api: Api) -> None:
    assert api.call("GET //v1/queue").status == 200
    for other in ("/v1/queue/", "/v1//queue", "/v1/Queue", "/V1/queue"):
        assert api.call(f"GET {other}").status == 404


def test_the_log_names_the_route_and_never_the_path(api: Api) -> None:
    api.call(f"GET /v1/downloads/{ROOT}")
    api.call("GET /v1/downloads/a/b/c")
    assert [line.fields["route"] for line in api.crate.world.log.lines] == [
        "GET /v1/downloads/{id}",
        "ANY /v1/downloads/{proxy+}",
    ]
