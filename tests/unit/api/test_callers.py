"""Who may call which route."""

import pytest

from functions.requests.handler import ROUTES
from tests.support.api import Api
from tests.support.builders import ROOT, a_download


@pytest.mark.case("U-01")
@pytest.mark.parametrize(
    "header", [None, "", "Bearer", "Bearer ", "Basic {}", "{}", "Bearer ck_unknown", "Bearer {} x", "Bearer {}x"]
)
@pytest.mark.parametrize("route", ROUTES)
def test_every_route_refuses_who_is_not_known(api: Api, route: str, header: str | None) -> None:
    headers = {} if header is None else {"Authorization": header.format(api.keys["alice"])}
    answer = api.call(route.replace("{id}", ROOT), by=None, headers=headers)
    assert (answer.status, answer.code) == (401, "unauthorized")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.case("U-02")
@pytest.mark.parametrize("route", ROUTES)
def test_every_route_refuses_a_viewer(api: Api, route: str) -> None:
    answer = api.call(route.replace("{id}", ROOT), by="eve")
    assert (answer.status, answer.code) == (403, "forbidden")


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_the_scheme_is_read_in_any_case(api: Api, scheme: str) -> None:
    headers = {"Authorization": f"{scheme} {api.keys['alice']}"}
    assert api.call("GET /v1/queue", by=None, headers=headers).status == 200


def test_an_admin_sees_what_others_own(api: Api) -> None:
    api.crate.put(a_download())
    assert api.call(f"GET /v1/downloads/{ROOT}", by="root").status == 200
    assert api.call("GET /v1/downloads", by="root").body["items"] == []


UNKNOWN = ["GET /v1", "GET /v1/", "GET /v1/download", "POST /v1/admin", "GET /v1/downloads/a/b/c", "GET /v1/downloads/"]


@pytest.mark.case("U-06")
@pytest.mark.parametrize("route", ["GET /", "GET /v2/downloads", "GET /v10", "GET /health/", "POST /favicon.ico"])
@pytest.mark.parametrize("by", [None, "alice"])
def test_an_unknown_route_is_a_problem_too(api: Api, route: str, by: str | None) -> None:
    answer = api.call(route, by=by)
    assert (answer.status, answer.headers["Content-Type"]) == (404, "application/problem+json")
    assert answer.code == "unknown_route"


@pytest.mark.case("U-01")
@pytest.mark.parametrize("route", UNKNOWN)
@pytest.mark.parametrize(("by", "expected"), [(None, (401, "unauthorized")), ("eve", (404, "unknown_route"))])
def test_below_v1_who_has_no_key_learns_not_even_what_is_unknown(
    api: Api, route: str, by: str | None, expected: tuple[int, str]
) -> None:
    answer = api.call(route, by=by)
    assert (answer.status, answer.code) == expected
